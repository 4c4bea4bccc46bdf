package main

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
)

type OfJob struct {
	Code     ids.Code     `path:"code"`
	Platform ids.Platform `path:"platform"`
}

func (in OfJob) id() lead.JobID { return lead.JobID{Code: in.Code, Platform: in.Platform} }

// JobBody is a job as it is to be.
type JobBody struct {
	Owner   lead.OwnerID `json:"owner"`
	Name    string       `json:"name"`
	Targets lead.Targets `json:"targets,omitzero"`
	Terms   lead.Terms   `json:"terms"`
}

type putJobInput struct {
	OfJob
	Keyed
	Body JobBody
}

type jobsQuery struct {
	Paged
	Platform ids.Platform `query:"platform"`
	Code     ids.Code     `query:"code"`
}

type resetJobInput struct {
	OfJob
	Keyed
}

type Span struct {
	From time.Time `query:"from"`
	To   time.Time `query:"to"`
}

type leadsQuery struct {
	OfJob
	Paged
	Span
	Verdict lead.Verdict `query:"verdict"`
}

type leadCountsQuery struct {
	OfJob
	Paged
	Span
	Account ids.Account `query:"account"`
}

// LeadBody is an event of a contact and an account.
type LeadBody struct {
	Contact []lead.Identity `json:"contact"`
	Event   lead.Event      `json:"event"`
}

type leadInput struct {
	OfJob
	Body LeadBody
}

type linkOwnersInput struct {
	Owner lead.OwnerID `path:"owner"`
	With  lead.OwnerID `path:"with"`
	Keyed
}

// LibraryBody is contacts for the library.
type LibraryBody struct {
	Contacts []lead.Identity `json:"contacts"`
}

type libraryInput struct{ Body LibraryBody }

// Had tells of each contact whether the library had it.
type Had struct {
	Had []bool `json:"had" nullable:"false"`
}

type importFileInput struct {
	Keyed
	Platform  ids.Platform `query:"platform" required:"true" doc:"Platform of the contacts"`
	Namespace string       `query:"namespace" doc:"Namespace of their ids"`
	Column    string       `query:"column" doc:"Name of the column that holds them; without it the file has no first line of names"`
	Phones    bool         `query:"phones" doc:"The column holds telephone numbers as people type them"`
	Region    string       `query:"region" doc:"Region of numbers without a country code, ISO 3166-1 alpha-2"`
	RawBody   []byte       `contentType:"text/csv"`
}

// ImportView tells of the rows that were not added.
type ImportView struct {
	Rows   int64       `json:"rows"`
	Added  int64       `json:"added"`
	Others []MarkedRow `json:"others" nullable:"false"`
}

// MarkedRow is a row that was not added.
type MarkedRow struct {
	Row    int64     `json:"row"`
	Fields []string  `json:"fields"`
	Mark   lead.Mark `json:"mark"`
	Of     int64     `json:"of,omitempty" doc:"The row before that has the same contact"`
	Why    string    `json:"why,omitempty"`
}

type OfLine struct {
	Line ids.Line `path:"line"`
}

type putLineInput struct {
	OfLine
	Keyed
	Body routing.Settings
}

type waitingQuery struct {
	OfLine
	Paged
}

// Visit is a visitor who comes.
type Visit struct {
	Visitor routing.VisitorID `json:"visitor,omitempty" doc:"Without it, whom the token is for"`
	Token   string            `json:"token,omitempty" doc:"Of the page, for a line that asks for one"`
}

// NewToken is a visitor whom the page knows.
type NewToken struct {
	Visitor routing.VisitorID `json:"visitor"`
}

type tokenInput struct {
	OfLine
	Body NewToken
}

// VisitorToken is what a visitor comes with to a line that asks for tokens.
type VisitorToken struct {
	Token string `json:"token"`
}

type visitInput struct {
	OfLine
	Body Visit
}

type leaveInput struct {
	OfLine
	Visitor routing.VisitorID `path:"visitor"`
}

func (s *Server) leadRoutes(api huma.API) {
	const job, line, link = "/jobs/{code}/{platform}", "/lines/{line}", "/owners/{owner}/links/{with}"
	op(s, api, admin, http.MethodGet, "/jobs", "The jobs, of a platform or of a code", s.jobs)
	op(s, api, admin, http.MethodPut, job, "Change what a job counts", s.putJob)
	op(s, api, admin, http.MethodGet, job, "A job with what it counted today and in total", s.job)
	op(s, api, admin, http.MethodPost, job+"/resets", "Begin a new day of a job", s.resetJob)
	op(s, api, admin, http.MethodGet, job+"/leads", "The leads of a job, with their verdicts", s.leadsOf)
	op(s, api, admin, http.MethodGet, job+"/counts", "What a job counted, by day and account", s.leadCounts)
	op(s, api, admin, http.MethodPost, job+"/previews", "See what an event would come to", s.previewLead)
	op(s, api, admin, http.MethodPost, job+"/events", "Count an event, whenever it was", s.countLead)
	op(s, api, admin, http.MethodPut, link, "Consent to an owner's being compared with another", s.linkOwners)
	op(s, api, admin, http.MethodDelete, link, "End that consent", s.unlinkOwners)
	op(s, api, admin, http.MethodPost, "/library", "Import contacts into the library", s.importLibrary)
	op(s, api, admin, http.MethodPost, "/library/files", "Import a CSV file into the library", s.importFile)
	op(s, api, admin, http.MethodPut, line, "Make or change a line that spreads visitors", s.putLine)
	op(s, api, admin, http.MethodGet, "/lines", "The lines", s.lines)
	op(s, api, admin, http.MethodGet, line, "A line", s.line)
	op(s, api, admin, http.MethodGet, line+"/waiting", "Who waits in a line", s.waiting)
	op(s, api, admin, http.MethodPost, line+"/drains", "Serve those who wait", s.drain)
	op(s, api, admin, http.MethodDelete, line+"/waiting/{visitor}", "Take a visitor from those who wait", s.leaveLine)
	op(s, api, admin, http.MethodPost, line+"/tokens", "Sign a visitor's id, for a line that asks for tokens", s.signVisitor)
	op(s, api, anyone, http.MethodPost, line+"/visits", "Go to an account of a line", s.visit)
}

func (s *Server) putJob(ctx context.Context, in *putJobInput) (*reply[lead.Job], error) {
	b := in.Body
	return found(s.leads.Put(ctx, lead.Put{
		Job: in.id(), Owner: b.Owner, Name: b.Name, Targets: b.Targets, Terms: b.Terms, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) jobs(ctx context.Context, in *jobsQuery) (*reply[list[lead.Job]], error) {
	q := lead.JobQuery{Platform: in.Platform, Limit: in.Limit}
	if in.Code != "" {
		q.Codes = []ids.Code{in.Code}
	}
	return listed(s.leads.Jobs(ctx, q), in.Limit)
}

func (s *Server) job(ctx context.Context, in *OfJob) (*reply[lead.Summary], error) {
	return found(s.leads.Summary(ctx, in.id()))
}

// A NewDay is one that was begun by hand.
type NewDay struct {
	Begins time.Time `json:"begins"`
}

func (s *Server) resetJob(ctx context.Context, in *resetJobInput) (*reply[NewDay], error) {
	day, err := s.leads.Reset(ctx, lead.Reset{Job: in.id(), By: caller(ctx).name, Key: in.Key})
	return found(NewDay{day}, err)
}

func (s *Server) leadsOf(ctx context.Context, in *leadsQuery) (*reply[list[lead.Stored]], error) {
	if _, err := s.leads.Job(ctx, in.id()); err != nil {
		return nil, err
	}
	q := lead.LeadQuery{Job: in.id(), Verdict: in.Verdict, From: in.From, To: in.To, Limit: in.Limit}
	return listed(s.leads.Leads(ctx, q), in.Limit)
}

func (s *Server) leadCounts(ctx context.Context, in *leadCountsQuery) (*reply[list[lead.Count]], error) {
	if _, err := s.leads.Job(ctx, in.id()); err != nil {
		return nil, err
	}
	return listed(s.leads.Counts(ctx, lead.CountQuery{Job: in.id(), Account: in.Account, From: in.From, To: in.To}), in.Limit)
}

func (s *Server) previewLead(ctx context.Context, in *leadInput) (*reply[lead.Outcome], error) {
	return found(s.leads.Preview().Observe(ctx, lead.Observe{Contact: in.Body.Contact, Job: in.id(), Event: in.Body.Event}))
}

func (s *Server) countLead(ctx context.Context, in *leadInput) (*reply[lead.Outcome], error) {
	out, err := s.leads.Observe(ctx, lead.Observe{Contact: in.Body.Contact, Job: in.id(), Event: in.Body.Event, By: caller(ctx).name})
	return answered(out, out.Replayed, err)
}

func (s *Server) linkOwners(ctx context.Context, in *linkOwnersInput) (*reply[lead.Owner], error) {
	return found(s.leads.Link(ctx, lead.Link{Owner: in.Owner, With: in.With, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) unlinkOwners(ctx context.Context, in *linkOwnersInput) (*reply[lead.Owner], error) {
	return found(s.leads.Unlink(ctx, lead.Unlink{Owner: in.Owner, With: in.With, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) importLibrary(ctx context.Context, in *libraryInput) (*reply[Had], error) {
	had, err := s.leads.Import(ctx, in.Body.Contacts)
	return found(Had{had}, err)
}

// importFile imports the CSV file that is the body.
func (s *Server) importFile(ctx context.Context, in *importFileInput) (*reply[ImportView], error) {
	view := ImportView{Others: []MarkedRow{}}
	c := lead.ImportCSV{
		Platform: in.Platform, Namespace: in.Namespace, Column: in.Column, Phones: in.Phones, Region: in.Region,
		By: caller(ctx).name, Key: in.Key,
	}
	for m, err := range s.leads.ImportCSV(ctx, c, bytes.NewReader(in.RawBody)) {
		if err != nil {
			return nil, err
		}
		view.Rows++
		if m.Mark == lead.Added {
			view.Added++
			continue
		}
		view.Others = append(view.Others, MarkedRow(m))
	}
	return found(view, nil)
}

func (s *Server) putLine(ctx context.Context, in *putLineInput) (*reply[routing.Line], error) {
	return found(s.routing.Put(ctx, routing.Put{Line: in.Line, Settings: in.Body, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) lines(ctx context.Context, in *Paged) (*reply[list[routing.Line]], error) {
	return listed(s.routing.Lines(ctx), in.Limit)
}

func (s *Server) line(ctx context.Context, in *OfLine) (*reply[routing.Line], error) {
	return found(s.routing.Line(ctx, in.Line))
}

func (s *Server) waiting(ctx context.Context, in *waitingQuery) (*reply[list[routing.Visitor]], error) {
	if _, err := s.routing.Line(ctx, in.Line); err != nil {
		return nil, err
	}
	return listed(s.routing.Waiting(ctx, in.Line, in.Limit), in.Limit)
}

func (s *Server) drain(ctx context.Context, in *OfLine) (*reply[routing.Outcome], error) {
	return found(s.desk.Drain(ctx, in.Line))
}

func (s *Server) leaveLine(ctx context.Context, in *leaveInput) (*reply[routing.Outcome], error) {
	return found(s.routing.Leave(ctx, routing.Leave{Line: in.Line, Visitor: in.Visitor}))
}

func (s *Server) visit(ctx context.Context, in *visitInput) (*reply[routing.Outcome], error) {
	return found(s.desk.Arrive(ctx, desk.Arrival{Line: in.Line, Visitor: in.Body.Visitor, Token: in.Body.Token}))
}

func (s *Server) signVisitor(ctx context.Context, in *tokenInput) (*reply[VisitorToken], error) {
	if _, err := s.routing.Line(ctx, in.Line); err != nil {
		return nil, err
	}
	token, err := s.routing.Sign(in.Line, in.Body.Visitor)
	return found(VisitorToken{token}, err)
}
