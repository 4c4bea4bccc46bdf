package miniprogram

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/wechat"
)

// A Release is which release of the app opens.
type Release string

const (
	Released Release = "release" // the one that is published; the default
	Trial    Release = "trial"   // the one for those who try it out
	Develop  Release = "develop" // the one of its developers
)

// ErrPage: the app that is published has no such page.
var ErrPage = errs.New(errs.Invalid, "miniprogram: the published app has no such page")

// A Picture is a round code (小程序码) that opens a page of the app, for paper and posters.
type Picture struct {
	Scene   Scene   // what the page is told
	Page    string  // "pages/shop/shop", without '/' before it and without a query; "": the home page
	Release Release // "": Released
	Width   int     // in pixels, 280 to 1280; 0: 430
	Clear   bool    // its ground is transparent
}

// Draw returns a Picture as WeChat draws it, and its media type. A picture is good for ever, and
// may be asked for any number of times, 5,000 a minute: keep it. Errors: *errs.InputError; ErrPage;
// those of wechat.Client.Do.
func (e *Engine) Draw(ctx context.Context, p Picture) (file []byte, mediaType string, err error) {
	ctx, call := e.frame.Begin(ctx, "miniprogram.draw", "")
	defer call.End(&err)
	body := map[string]any{}
	if body["scene"], err = p.Scene.Text(); err == nil {
		err = checkPage(p.Page, p.Release)
	}
	if err == nil && p.Width != 0 && (p.Width < 280 || p.Width > 1280) {
		err = &errs.InputError{Field: "width", Reason: "is not 280 to 1280"}
	}
	if err != nil {
		return nil, "", fmt.Errorf("miniprogram: draw: %w", err)
	}
	if p.Page != "" {
		body["page"] = p.Page
	}
	if p.Release != "" {
		body["env_version"] = p.Release
		body["check_path"] = p.Release == Released
	}
	if p.Width != 0 {
		body["width"] = p.Width
	}
	if p.Clear {
		body["is_hyaline"] = true
	}
	file, mediaType, err = e.client.File(ctx, wechat.Call{Path: "/wxa/getwxacodeunlimit", Body: body, Read: true})
	if err != nil {
		return nil, "", fmt.Errorf("miniprogram: draw: %w", pageError(err))
	}
	return file, mediaType, nil
}

// Links last 30 days at most.
const MaxLink = 30 * 24 * time.Hour

// A Link opens a page of the app from a text message, a mail or a website. Whoever has it can open
// it, so it holds no secret.
type Link struct {
	Page    string     // "pages/shop/shop"; "": the home page
	Query   url.Values // what the page is told, 1,024 characters at most
	Release Release    // "": Released
	Expires time.Time  // at most MaxLink ahead
}

// Link makes a link. WeChat makes 500,000 a day, links of all kinds together. Errors:
// *errs.InputError; ErrPage; those of wechat.Client.Do.
func (e *Engine) Link(ctx context.Context, l Link) (link string, err error) {
	ctx, call := e.frame.Begin(ctx, "miniprogram.link", "")
	defer call.End(&err)
	query := l.Query.Encode()
	left := l.Expires.Sub(e.frame.Now())
	err = checkPage(l.Page, l.Release)
	switch {
	case err != nil:
	case len(query) > 1024:
		err = &errs.InputError{Field: "query", Reason: "is longer than 1024 characters"}
	case left < time.Minute || left > MaxLink:
		err = &errs.InputError{Field: "expires", Reason: "is not from a minute to 30 days ahead"}
	}
	if err != nil {
		return "", fmt.Errorf("miniprogram: link: %w", err)
	}
	body := map[string]any{"path": l.Page, "query": query, "expire_type": 0, "expire_time": l.Expires.Unix()}
	if l.Release != "" {
		body["env_version"] = l.Release
	}
	var answer struct {
		Link string `json:"url_link"`
	}
	err = e.client.Do(ctx, wechat.Call{Path: "/wxa/generate_urllink", Body: body, Read: true}, &answer)
	if err == nil && answer.Link == "" {
		err = fmt.Errorf("%w: the answer has no link", wechat.ErrUnavailable)
	}
	if err != nil {
		return "", fmt.Errorf("miniprogram: link: %w", pageError(err))
	}
	return answer.Link, nil
}

// ShortLink makes a link (short link) for chats and pages of WeChat, which is good for 30 days.
// WeChat makes 1,000,000 a day. Errors: as those of Link.
func (e *Engine) ShortLink(ctx context.Context, page, title string) (link string, err error) {
	ctx, call := e.frame.Begin(ctx, "miniprogram.shortlink", "")
	defer call.End(&err)
	path, _, _ := strings.Cut(page, "?") // a short link has the query behind the page
	if err = checkPage(path, ""); err == nil && path == "" {
		err = &errs.InputError{Field: "page", Reason: "is missing"}
	}
	if err == nil && len(title) > 1024 {
		err = &errs.InputError{Field: "title", Reason: "is longer than 1024 bytes"}
	}
	if err != nil {
		return "", fmt.Errorf("miniprogram: short link: %w", err)
	}
	var answer struct {
		Link string `json:"link"`
	}
	body := map[string]any{"page_url": page, "page_title": title, "is_permanent": false}
	err = e.client.Do(ctx, wechat.Call{Path: "/wxa/genwxashortlink", Body: body, Read: true}, &answer)
	if err == nil && answer.Link == "" {
		err = fmt.Errorf("%w: the answer has no link", wechat.ErrUnavailable)
	}
	if err != nil {
		return "", fmt.Errorf("miniprogram: short link: %w", pageError(err))
	}
	return answer.Link, nil
}

func checkPage(page string, r Release) error {
	switch {
	case strings.HasPrefix(page, "/") || strings.ContainsAny(page, "?#&") || len(page) > 1024:
		return &errs.InputError{Field: "page", Reason: "begins with '/', has a query or is longer than 1024 bytes"}
	case r != "" && r != Released && r != Trial && r != Develop:
		return &errs.InputError{Field: "release", Reason: "is neither release nor trial nor develop"}
	}
	return nil
}

// pageError has what WeChat says of a page as ErrPage.
func pageError(err error) error {
	var refused *wechat.Error
	if errors.As(err, &refused) && (refused.Code == 41030 || refused.Code == 40165) {
		return ErrPage
	}
	return err
}
