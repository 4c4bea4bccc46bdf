// Package invitation binds managers to shops by a round code that they scan with WeChat
// (扫码绑定店长).
//
// Invite makes an invitation of package shop and has WeChat draw the code of it. The code may be
// sent on as a picture, so it is a bearer: it is good for shop.InvitationTTL, and whoever scans it
// first is bound. Who invited is told whom: Bound has both, and so has the journal's shop.KindBind.
package invitation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// SceneKind is the kind of the scenes of invitations: with the token they are as long as a scene
// may be.
const SceneKind = "bind"

// A Flow invites managers, and binds them. It is safe for concurrent use.
type Flow struct {
	shops *shop.Engine
	app   *miniprogram.Engine
	page  string
}

// New returns the flow of an app. The page, "pages/bind/bind" for instance, is what a code opens;
// it hands its scene to Bind.
func New(shops *shop.Engine, app *miniprogram.Engine, page string) *Flow {
	return &Flow{shops, app, page}
}

// In returns a copy whose Bind is part of a unit of work. Invite asks WeChat, and belongs into
// none.
func (f *Flow) In(tx storage.Tx) *Flow { return &Flow{f.shops.In(tx), f.app, f.page} }

// Invite asks for the code of an invitation.
type Invite struct {
	Shop    ids.Shop            // shop to manage
	Release miniprogram.Release // release of the app that opens; "": the published one
	Width   int                 // of the picture, in pixels, 280 to 1280; 0: 430
	By      string              // who invites
	Key     string              // idempotency key; required
}

// Invited is an invitation with its code.
type Invited struct {
	ID        shop.InvitationID // by which it can be withdrawn: shop.Withdraw
	Shop      ids.Shop          // shop to manage
	Expires   time.Time         // end of the time in which it may be used
	Picture   []byte            // of the code
	MediaType string            // of the picture
}

// Invite makes an invitation and returns its code, this once: where the answer is lost, invite with
// a new key. Where WeChat draws none the invitation is withdrawn. Errors: those of
// shop.Engine.Invite and of miniprogram.Engine.Draw.
func (f *Flow) Invite(ctx context.Context, c Invite) (Invited, error) {
	made, err := f.shops.Invite(ctx, shop.Invite{Shop: c.Shop, By: c.By, Key: c.Key})
	if err != nil {
		return Invited{}, err
	}
	picture, mediaType, err := f.app.Draw(ctx, miniprogram.Picture{
		Scene: miniprogram.Scene{Kind: SceneKind, ID: made.Token}, Page: f.page, Release: c.Release, Width: c.Width,
	})
	if err != nil {
		withdraw := shop.Withdraw{Shop: c.Shop, Invitation: made.ID, By: c.By, Key: "undrawn-" + string(made.ID)}
		_, failed := f.shops.Withdraw(context.WithoutCancel(ctx), withdraw)
		return Invited{}, errors.Join(err, failed)
	}
	return Invited{made.ID, made.Shop, made.Expires, picture, mediaType}, nil
}

// Bind is a scan of a code.
type Bind struct {
	Scene    string        // as the page got it
	Identity shop.Identity // who has scanned it, as the service's sign-in knows them
	Name     string        // of the manager, shown to people
	Key      string        // idempotency key; required
}

// Bound is a manager who was bound.
type Bound struct {
	Manager   shop.Manager // with the shop
	InvitedBy string       // Invite.By, who is to be told; "": nobody
	Replayed  bool         // the key was used before, and this is the first result
}

// Bind makes whoever has scanned a code manager of the shop that it is of. Errors: those of
// shop.Engine.Bind; shop.ErrInvitation, which a scene of something else is too.
func (f *Flow) Bind(ctx context.Context, c Bind) (Bound, error) {
	scene, err := miniprogram.ParseScene(c.Scene)
	if err != nil || scene.Kind != SceneKind {
		return Bound{}, fmt.Errorf("invitation: bind: %w", shop.ErrInvitation)
	}
	out, err := f.shops.Bind(ctx, shop.Bind{Token: scene.ID, Identity: c.Identity, Name: c.Name, Key: c.Key})
	if err != nil {
		return Bound{}, err
	}
	return Bound{*out.Manager, out.InvitedBy, out.Replayed}, nil
}
