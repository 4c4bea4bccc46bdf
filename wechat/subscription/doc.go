// Package subscription sends one-time subscribe messages (一次性订阅消息) to users of a Mini
// Program, as many as they accepted.
//
// A user who accepts a template once may be sent one message of it, at any time later. WeChat tells
// nobody how many are left, so an [Engine] keeps a ledger of each user and template:
//
//   - One accept is one message. It is known by an event of WeChat's ([Ledger.Observe]), or by what
//     the front end says ([Ledger.Report]) until that event comes: the two are one accept, in
//     whatever order and however often they come.
//   - A message takes its accept before WeChat is asked ([Engine.Send]). Where WeChat says that it
//     sent nothing, the accept is given back. Where WeChat says nothing, the message is held: it
//     stays spent and is not sent again, until an event tells what became of it, or
//     [Ledger.Reconcile] leaves it at that.
//   - A user who refuses, in the settings or by WeChat's 43101, has no accepts left. Those after it
//     count again.
//   - A message is sent at most once, by its Key, whichever process ends at whatever point.
//
// The journal has an entry for each of these facts. All messages of an app are sent through its
// ledger: one that is not is missing from the balance.
package subscription
