// Package lead counts leads (线索): contacts (粉丝) who turn to an account of the operator's (主号), and
// separates those who are new from those who came before (重粉).
//
// A Job (工单) counts the leads of one activation code on one platform. An Event says that a contact
// and an account met; the first of the two is their Lead. Its Verdict is NEW, DUPLICATE, UNCERTAIN
// or EXCLUDED, by what the job compares it with: its Scope (线索去重范围). A Contact has all leads of one
// person on one platform, and is what decisions are made on: pure functions of it, of the event and
// of the job's Terms at its time.
//
// These hold for every stream of events, in whatever order they arrive, however often, and however
// late:
//
//   - Verdicts and counts depend on the events alone, by their time and their id. An event that
//     arrives late, or shows that two names are one contact's, may turn other verdicts: those
//     changes are part of its Outcome, and stored with it.
//   - Of one contact at most one lead in a scope is NEW.
//   - A wider scope, or more entries in the library (底库), never make more leads NEW.
//   - Every lead is counted once, on one day. The next day's beginning, wherever it is moved to,
//     changes no total.
//   - Other terms, resets, consents and entries of the library are for events from [Notice] after
//     them on, which nobody has judged yet.
//
// What agents report counts from when their account was bound to the job until it was not any more
// ([Observe.Bound]); what it had before changes no verdict. A client that finds that a contact may
// have been there before sets Event.Unknown.
//
// Platforms are never compared with each other.
package lead
