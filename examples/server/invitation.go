package main

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/stamps/invitation"
	"github.com/scrmkit/scrmkit/stamps/shop"
)

// A DrawnInvitation is to be shown to the new manager, who scans it with WeChat.
type DrawnInvitation struct {
	ID        shop.InvitationID `json:"id"`
	Shop      ids.Shop          `json:"shop"`
	Expires   time.Time         `json:"expires"`
	Picture   []byte            `json:"picture" doc:"The round code, in base64; shown once"`
	MediaType string            `json:"mediaType" doc:"Of the picture"`
}

type scanInput struct {
	Keyed
	Body struct {
		Scene string `json:"scene" doc:"As the page that the code opens got it"`
		Name  string `json:"name,omitempty"`
	}
}

func (s *Server) invitationRoutes(api huma.API) {
	op(s, api, admin, http.MethodPost, "/shops/{shop}/invitations/pictures", "Invite a manager by a round code", s.inviteByPicture)
	op(s, api, staff, http.MethodPost, "/invitations/scans", "Become manager of the shop whose code I scanned", s.scan)
}

func (s *Server) inviteByPicture(ctx context.Context, in *inviteInput) (*reply[DrawnInvitation], error) {
	i, err := s.wechat.invitations.Invite(ctx, invitation.Invite{Shop: in.Shop, By: caller(ctx).name, Key: in.Key})
	return found(DrawnInvitation{i.ID, i.Shop, i.Expires, i.Picture, i.MediaType}, err)
}

func (s *Server) scan(ctx context.Context, in *scanInput) (*reply[shop.Manager], error) {
	out, err := s.wechat.invitations.Bind(ctx, invitation.Bind{
		Scene: in.Body.Scene, Identity: caller(ctx).identity(), Name: in.Body.Name, Key: in.Key,
	})
	return answered(out.Manager, out.Replayed, err)
}
