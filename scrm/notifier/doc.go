// Package notifier tells customers what became of their points, tiers, cards and coupons, by
// subscribe messages of WeChat (订阅消息).
//
// It joins what happened (loyalty, stamps, stamps/shop: their entries in the journal) with the
// outbox (scrm/notice), with what customers want (scrm/customer) and with the messages that they
// accepted (wechat/subscription). A table of templates says what is told how:
//
//   - Follow reads the journal and posts notices; Remind posts those of points that end soon. Both
//     may run twice, also at once: each fact is one notice.
//   - A [Flow] is the notice.Sender that tells them. A customer who did not agree, wants no messages
//     of this channel, has no WeChat or has accepted no message of the template is not told. Who is
//     not to be disturbed is told later, while the notice holds. What ends is counted anew before it
//     is told.
//   - The texts are in the customer's language, by a catalog of golang.org/x/text.
package notifier
