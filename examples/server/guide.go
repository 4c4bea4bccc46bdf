package main

import (
	"cmp"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// A section of the API has what a reader looks for together.
type section struct {
	tag, text string
	entries   []entry
}

// An entry is what the document says of an operation beside its summary. The id names a method of a
// generated client.
type entry struct{ operation, id, text string }

// guide is the whole document in the order in which it is read.
var guide = []section{
	{"Sign-in", "Customers (客户) sign in with WeChat or a code that is sent to them, and out again.", []entry{
		{"POST /sessions/wechat", "signInWithWeChat", "Opens a session of whoever uses the Mini Program, and returns its token. Who is not known is a new customer. A code of wx.login is good once."},
		{"POST /sessions/codes", "askForSignInCode", "Has a code sent to a telephone number or a mailbox. The answer is the same whether or not a customer has it."},
		{"POST /sessions", "signInWithCode", "Opens a session of whoever reads what is sent to the address, and returns its token. Who is not known is a new customer."},
		{"GET /me/sessions", "listMySessions", "Lists the caller's sessions that are not over, the oldest first."},
		{"DELETE /me/sessions/{session}", "endMySession", "Ends a session of the caller's at once."},
		{"DELETE /me/sessions", "endMySessions", "Ends all sessions of the caller's at once, this one among them."},
	}},
	{"Customers", "What customers tell of themselves, agree to, and may have of it.", []entry{
		{"GET /me", "getMe", "Returns the caller as the service knows them."},
		{"PUT /me/profile", "putMyProfile", "Stores a profile, all of it. WeChat checks the nickname, where there is a Mini Program."},
		{"PUT /me/preferences", "putMyPreferences", "Stores language, channels, quiet hours (免打扰) and choices, all of them."},
		{"POST /me/phone-presses", "pressPhone", "Links the number behind the phone button (手机号快速验证) that the caller has pressed."},
		{"POST /me/addresses/codes", "askForLinkCode", "Has a code sent to a telephone number or a mailbox, to link it. The answer is the same whether or not another customer has it."},
		{"POST /me/addresses", "linkAddress", "Links an address to the caller, who has typed the code. That another customer has it is told to whoever has the code alone, and changes nothing."},
		{"POST /addresses/admissions", "admitAddress", "Lets codes be sent again to an address that 100 wrong ones in a row have stopped."},
		{"GET /me/consents", "listMyConsents", "Lists all that the caller agreed to and withdrew, in the order in which it was noted."},
		{"POST /me/consents", "recordMyConsent", "Notes what the caller says to a use of their data: yes, or no again. What was said before stays."},
		{"POST /me/subscriptions/{template}/reports", "reportMyAccept", "Notes that wx.requestSubscribeMessage gave accept. WeChat's event, whenever it comes, is the same accept."},
		{"GET /me/subscriptions/{template}", "getMyAccepts", "Returns how many messages of a template the caller may be sent."},
		{"GET /me/notices", "myNotices", "Lists what the customer was told by WeChat, is to be told, or was not told and why."},
		{"GET /me/export", "exportMe", "Returns all that is stored of the caller as a person. Cards and points have operations of their own."},
		{"POST /me/erasures", "scheduleMyErasure", "Notes until when the caller is to be erased. From now on their data is not used, and at that time they are erased."},
		{"DELETE /me/erasures", "cancelMyErasure", "Takes that back."},
		{"DELETE /me", "eraseMe", "Erases the caller and ends their sessions. What they agreed to stays, and cards and points of somebody whom nothing names."},
	}},
	{"Cards", "A customer's stamp cards (集章卡) and coupons.", []entry{
		{"GET /me/cards", "listMyCards", "Lists the caller's cards in all programs, as they are now."},
		{"GET /me/cards/{program}", "getMyCard", "Returns the caller's card in a program."},
		{"GET /me/cards/{program}/history", "listMyCardRecords", "Lists stamps, cancellations and redemptions of the caller's card, the newest first."},
		{"GET /me/coupons", "listMyCoupons", "Lists the caller's coupons, whatever their state."},
		{"POST /me/claims", "claimMyCoupon", "Takes a coupon of a handout that is for everywhere. One of certain shops needs a code or a press there; any fails where the stock or the member's limit is used up."},
		{"GET /members/{member}/cards", "listCards", "Lists the cards of a member in all programs."},
		{"GET /members/{member}/coupons", "listCoupons", "Lists the coupons of a member, whatever their state."},
		{"POST /members/{member}/claims", "claimCoupon", "Takes a coupon of a handout in a member's name."},
		{"GET /cards/{program}/{member}", "getCard", "Returns the card of a member."},
		{"GET /cards/{program}/{member}/history", "listCardRecords", "Lists what happened to a card, the newest first."},
		{"POST /cards/{program}/{member}/stamps", "addStamps", "Gives the stamps that the program gives for a visit or a purchase, and the coupons that the card reaches."},
		{"POST /cards/{program}/{member}/cancellations", "cancelStamps", "Takes stamps back, and the coupons that they led to, as the program says: those of a record, those that a key gave, or the newest."},
		{"POST /cards/{program}/{member}/adjustments", "adjustCard", "Gives or takes stamps by hand, with a reason for the record."},
		{"POST /transfers", "transferStamps", "Moves stamps from one card to another of the same program."},
		{"GET /coupons/{coupon}", "getCoupon", "Returns a coupon."},
		{"POST /coupons/{coupon}/redemptions", "redeemCoupon", "Redeems a coupon, once."},
		{"POST /coupons/{coupon}/undos", "undoCouponRedemption", "Makes a redeemed coupon good again."},
		{"POST /coupons/{coupon}/voids", "voidCoupon", "Ends a coupon for good."},
	}},
	{"Till", "The till of a shop (柜台): codes on the customer's phone, physical stamps, vouchers.", []entry{
		{"POST /me/codes", "askForCode", "Makes a code that the customer shows and a manager of the shop types. A new code for the same purpose ends the one before."},
		{"POST /me/presses", "pressStamp", "Does at once what a physical stamp of a shop on the customer's phone allows."},
		{"POST /shops/{shop}/codes/preview", "previewCode", "Checks a code, as an attempt, and returns whose it is, what it would do, and a claim for the confirmation."},
		{"POST /shops/{shop}/codes/confirm", "confirmCode", "Does what the preview showed. The claim is the key: sent again it gives its first answer."},
		{"POST /shops/{shop}/codes", "enterCode", "Previews and confirms a code in one call."},
		{"GET /shops/{shop}/records", "listShopRecords", "Lists stamps, cancellations and redemptions given in a shop (流水), the newest first."},
		{"GET /shops/{shop}/totals", "getShopTotals", "Sums the records of a shop by day, purpose and manager."},
		{"POST /shops/{shop}/coupons/{coupon}/undos", "undoCouponRedemptionInShop", "Makes a coupon good again that was redeemed in the shop. Where it was another the customer asks for a code."},
		{"POST /shops/{shop}/coupons/{coupon}/voids", "voidCouponInShop", "Ends a coupon that the shop gave for good. Where another gave it the customer asks for a code."},
		{"POST /shops/{shop}/vouchers/preview", "previewVoucher", "Returns the voucher that a code is of, and changes nothing."},
		{"POST /shops/{shop}/vouchers", "redeemVoucher", "Redeems a voucher in the shop, once."},
		{"POST /me/vouchers/codes", "askForVoucherCode", "Makes a code that the customer shows, with which a manager of the shop redeems the voucher. A new one ends the one before."},
		{"POST /shops/{shop}/vouchers/codes/preview", "previewVoucherCode", "Checks the code of a voucher, as an attempt, and returns the voucher, what it takes off the cart, and a claim for the confirmation."},
		{"POST /shops/{shop}/vouchers/codes/confirm", "confirmVoucherCode", "Redeems what the preview showed. The claim is the key: sent again it gives its first answer."},
		{"POST /shops/{shop}/vouchers/codes", "enterVoucherCode", "Previews and confirms the code of a voucher in one call."},
	}},
	{"Shops", "Shops (门店), their managers and physical stamps, and the programs of stamp cards.", []entry{
		{"POST /invitations/accept", "acceptInvitation", "Makes the caller a manager of the shop that made the invitation. A token is good once."},
		{"POST /shops/{shop}/invitations/pictures", "drawInvitation", "Makes an invitation as the others are, and has WeChat draw the round code (小程序码) of it. It is shown this once."},
		{"POST /invitations/scans", "scanInvitation", "Makes the caller, who has scanned the code of an invitation, a manager of its shop. A code is good once."},
		{"GET /shops", "listShops", "Lists all shops."},
		{"GET /shops/{shop}", "getShop", "Returns a shop with its managers and physical stamps."},
		{"PUT /shops/{shop}", "putShop", "Makes a shop, or changes it."},
		{"POST /shops/{shop}/invitations", "inviteManager", "Makes an invitation that is good for 24 hours, for one manager. Its token is shown this once."},
		{"GET /shops/{shop}/invitations", "listInvitations", "Lists the invitations that a manager may still accept, those that end first before the others."},
		{"DELETE /shops/{shop}/invitations/{invitation}", "withdrawInvitation", "Ends an open invitation at once."},
		{"DELETE /shops/{shop}/invitations", "withdrawInvitations", "Ends all open invitations of the shop at once."},
		{"DELETE /shops/{shop}/managers/{identity}", "unbindManager", "Ends at once what a manager may do in the shop."},
		{"POST /shops/{shop}/managers/{identity}/admissions", "admitManager", "Lets a manager type codes again whom 100 wrong ones in a row have stopped."},
		{"PUT /shops/{shop}/stamps/{serial}", "bindStamp", "Binds a physical stamp to the shop, with all its names. A stamp is bound to one shop, in any case and width of its serial number."},
		{"POST /stamps/{serial}/presses", "certifyPress", "Returns the token of a press, for a service that has certified it with the stamp's vendor."},
		{"DELETE /shops/{shop}/stamps/{serial}", "unbindStamp", "Unbinds a physical stamp from the shop."},
		{"DELETE /shops/{shop}/stamps", "unbindStamps", "Unbinds all physical stamps from the shop."},
		{"GET /programs/{program}", "getProgram", "Returns the version of a program of cards that is in force."},
		{"GET /programs/{program}/versions/{version}", "getProgramVersion", "Returns a version of a program of cards."},
		{"PUT /programs/{program}/versions/{version}", "publishProgram", "Publishes a version. It can't be changed afterwards; cards that began before keep to theirs."},
	}},
	{"Points", "Points (积分) and levels of members.", []entry{
		{"GET /me/points/{program}", "getMyPoints", "Returns the caller's points, what ends when, and the way to the next level."},
		{"GET /me/points/{program}/history", "listMyPointsEntries", "Lists what happened to the caller's points, the newest first."},
		{"PUT /points/{program}/versions/{version}", "publishPoints", "Publishes a version of a program of points. It can't be changed afterwards."},
		{"GET /points/{program}/versions/{version}", "getPointsVersion", "Returns a version of a program of points."},
		{"GET /points/{program}/totals", "getPointsTotals", "Returns the sums of a program at an instant: issued, spent, lapsed, and what is outstanding, its value and the months in which it ends."},
		{"POST /points/{program}/verifications", "verifyPointsProgram", "Checks the ledgers of all members and the versions of the program, and that those whose heads were kept are still there. Returns the heads as they are now, to be kept elsewhere for the next time. A program that is too large for the time of a request is verified in the service that has the engines."},
		{"GET /points/{program}/members/{member}", "getPoints", "Returns the points and the level of a member."},
		{"GET /points/{program}/members/{member}/history", "listPointsEntries", "Lists what happened to a member's points, the newest first."},
		{"GET /points/{program}/members/{member}/verification", "verifyPoints", "Checks that the ledger of a member is as it was written, and names the first entry that is not."},
		{"POST /points/{program}/members/{member}/previews", "previewPoints", "Returns what an event would earn, rule by rule, and changes nothing."},
		{"POST /points/{program}/members/{member}/events", "earnPoints", "Earns for a purchase or another event by the rules of the program, and explains each rule."},
		{"POST /points/{program}/members/{member}/redemptions", "redeemPoints", "Spends points, those that end first before others. Of a member who has fewer, but some, it takes those where the body says upTo."},
		{"POST /points/{program}/members/{member}/holds", "holdPoints", "Sets points aside until a time. What is not captured by then comes back by itself."},
		{"POST /points/{program}/members/{member}/captures", "capturePoints", "Spends points that were set aside."},
		{"POST /points/{program}/members/{member}/releases", "releasePoints", "Gives points back that were set aside."},
		{"POST /points/{program}/members/{member}/activations", "activatePoints", "Lets points that are pending be spent from now on, as when what earned them was delivered."},
		{"POST /points/{program}/members/{member}/adjustments", "adjustPoints", "Gives or takes points by hand, with a reason for the ledger."},
		{"POST /points/{program}/members/{member}/refunds", "refundPurchase", "Takes back what a purchase earned, for the part that was returned."},
		{"POST /points/{program}/members/{member}/orders/refunds", "refundOrder", "Takes back the points, stamps and unused vouchers of an order, for the part that was returned, and tells what became of each."},
		{"POST /points/{program}/members/{member}/returns", "returnPoints", "Gives points back that were spent, with the ends that they had."},
		{"POST /points/{program}/members/{member}/levels", "setLevel", "Gives a level by hand, until a time."},
		{"POST /points/{program}/members/{member}/gifts", "givePoints", "Gives points to another member of the program."},
		{"POST /points/{program}/members/{member}/mergers", "mergeMembers", "Merges a member into another who is the same person. It can't be undone."},
	}},
	{"Rewards", "What points are exchanged for, and the vouchers (兑换券) that come of it.", []entry{
		{"GET /me/rewards/{catalog}", "listMyOffers", "Lists the rewards of a catalog with what the caller may still take of each."},
		{"POST /me/rewards/{catalog}/redemptions", "redeemReward", "Exchanges points for vouchers. The price is the one that the caller was shown."},
		{"POST /me/rewards/{catalog}/reservations", "reserveReward", "Sets vouchers and their points aside for 15 minutes, to pay the rest."},
		{"POST /me/rewards/{catalog}/cancellations", "cancelMyReservation", "Gives back what the caller reserved."},
		{"GET /me/vouchers", "listMyVouchers", "Lists the caller's vouchers with their codes."},
		{"PUT /rewards/{catalog}/versions/{version}", "publishCatalog", "Publishes a version of a catalog. It can't be changed afterwards."},
		{"GET /rewards/{catalog}/versions/{version}", "getCatalogVersion", "Returns a version of a catalog."},
		{"GET /rewards/{catalog}/vouchers", "listVouchers", "Lists the vouchers of a catalog, without their codes."},
		{"POST /rewards/{catalog}/members/{member}/gifts", "giveVouchers", "Gives vouchers to a member, for nothing."},
		{"POST /rewards/{catalog}/members/{member}/captures", "captureReservation", "Issues the vouchers of a reservation, now that the rest is paid."},
		{"POST /rewards/{catalog}/members/{member}/cancellations", "cancelReservation", "Gives back what a member reserved."},
		{"POST /rewards/{catalog}/members/{member}/vouchers/{n}/returns", "returnVoucher", "Takes an unused voucher back, and gives its points back."},
		{"POST /rewards/{catalog}/members/{member}/vouchers/{n}/voids", "voidVoucher", "Ends a voucher for good; nothing is given back."},
		{"POST /rewards/{catalog}/members/{member}/vouchers/{n}/undos", "undoVoucherRedemption", "Makes a redeemed voucher good again."},
	}},
	{"Codes", "Activation codes (激活码), their sessions, ports and devices.", []entry{
		{"POST /codes", "createCodes", "Makes activation codes with a counting job for each of their platforms. The codes are shown this once."},
		{"GET /codes", "listCodes", "Lists codes with the agents that are online and what each counted, by platform."},
		{"POST /code-states", "setCodeStates", "Enables, disables, expires or deletes codes. Sessions of a code that is not enabled end at once."},
		{"GET /codes/{code}", "getCode", "Returns a code with its sessions."},
		{"PUT /codes/{code}", "updateCode", "Changes the settings of a code and of its jobs."},
		{"POST /codes/{code}/renewals", "renewCode", "Gives a code another secret and ends its sessions. The new code is shown this once."},
		{"DELETE /codes/{code}/sessions/{n}", "endSession", "Ends a session of a code."},
		{"POST /codes/{code}/ports/{n}/states", "setPortState", "Logs the account of a port out, notes its ban, or closes the port."},
		{"PUT /pools/{pool}", "putPool", "Makes a pool of ports, or changes how many it has."},
		{"GET /pools/{pool}", "getPool", "Returns a pool of ports."},
		{"GET /agents", "listAgents", "Lists the channel accounts that agents work with."},
		{"GET /devices", "listDevices", "Lists the devices that may sign in."},
		{"POST /device-invitations", "inviteDevice", "Makes an invitation for one device. Its token is shown this once, as a QR code."},
		{"DELETE /devices/{device}", "removeDevice", "Removes a device and ends its sessions."},
		{"POST /devices", "addDevice", "Adds the device that has scanned an invitation, and returns the token with which it signs in."},
	}},
	{"Agents", "What an agent's client does after signing in with an activation code.", []entry{
		{"POST /agent/sessions", "signIn", "Opens a session with an activation code, and returns its token."},
		{"GET /agent", "getMySession", "Returns the caller's session and the settings of its code."},
		{"POST /agent/beats", "beat", "Keeps the session online. Send one a minute."},
		{"POST /agent/ends", "signOut", "Ends the session and gives its ports back."},
		{"POST /agent/ports", "openPort", "Opens a port for an account on a platform."},
		{"POST /agent/ports/{n}/pairings", "pairPort", "Notes that the port shows a QR code, until a time."},
		{"POST /agent/ports/{n}/links", "linkPort", "Notes that an account has linked the port. An account that another code holds is refused."},
		{"POST /agent/ports/{n}/states", "setMyPortState", "Logs the account of the caller's port out, or closes the port."},
		{"GET /agent/tickets", "listMyTickets", "Lists the tickets of the caller's code, the newest first."},
		{"POST /agent/tickets/{site}/{event}/takes", "takeTicket", "Gives a ticket of the caller's code to the caller. Of several agents one gets it."},
		{"POST /agent/tickets/{site}/{event}/returns", "handTicketBack", "Hands a ticket of the caller's code back to those who assign by hand, with the reason as a note."},
		{"POST /agent/tickets/{site}/{event}/ends", "finishTicket", "Ends a ticket that the caller's code has handled."},
		{"POST /agent/events", "reportEvent", "Counts an event of a contact in the job of the caller's code, and returns its verdict. One of a time when the code did not have the account is excluded. The id of the event makes it safe to repeat."},
	}},
	{"Leads", "Counting jobs (工单), leads without double counting, and the library (底库).", []entry{
		{"GET /jobs", "listJobs", "Lists the jobs of a platform or of a code."},
		{"PUT /jobs/{code}/{platform}", "putJob", "Changes the terms of a job. They are for events from half a minute later on."},
		{"GET /jobs/{code}/{platform}", "getJob", "Returns a job with what it counted today and in total."},
		{"POST /jobs/{code}/{platform}/resets", "resetJob", "Begins a new day of a job (置零). Totals stay."},
		{"GET /jobs/{code}/{platform}/leads", "listLeads", "Lists the leads of a job with their verdicts and reasons."},
		{"GET /jobs/{code}/{platform}/counts", "getLeadCounts", "Returns what a job counted, by day and account."},
		{"POST /jobs/{code}/{platform}/events", "countLead", "Counts an event of a contact, whenever it was and whoever has the account. The id of the event makes it safe to repeat."},
		{"POST /jobs/{code}/{platform}/previews", "previewLead", "Returns the verdict that an event would have, and changes nothing."},
		{"PUT /owners/{owner}/links/{with}", "linkOwners", "Lets the leads of an owner be compared with those of another. Both must consent."},
		{"DELETE /owners/{owner}/links/{with}", "unlinkOwners", "Ends that consent."},
		{"POST /library", "importContacts", "Imports contacts into the library of those who are known already."},
		{"POST /library/files", "importFile", "Imports contacts from a CSV file of up to 1 MiB. Every row comes back marked; a file that broke off is sent again with its key."},
	}},
	{"Lines", "Visitors spread over accounts (分流).", []entry{
		{"PUT /lines/{line}", "putLine", "Makes a line, or changes it."},
		{"GET /lines", "listLines", "Lists the lines."},
		{"GET /lines/{line}", "getLine", "Returns a line with what its accounts have received."},
		{"GET /lines/{line}/waiting", "listWaiting", "Lists the visitors that wait in a line, in their order."},
		{"POST /lines/{line}/drains", "drainLine", "Serves those who wait, as far as accounts have room."},
		{"DELETE /lines/{line}/waiting/{visitor}", "leaveLine", "Takes a visitor from those who wait."},
		{"POST /lines/{line}/tokens", "signVisitor", "Signs the id of a visitor whom the page knows, for a line that takes no others."},
		{"POST /lines/{line}/visits", "visitLine", "Sends a visitor to an account of the line, and to the same one again."},
	}},
	{"Tickets", "Orders and leads that websites push, and the templates that read them.", []entry{
		{"POST /hooks/{site}", "pushTicket", "Takes a push of a website, signed as the site's scheme says. It is stored before it is answered; the same event again changes nothing."},
		{"PUT /sites/{site}", "putSite", "Makes a website that pushes, or changes it."},
		{"GET /sites", "listSites", "Lists the websites."},
		{"GET /sites/{site}", "getSite", "Returns a website."},
		{"POST /sites/{site}/secrets", "addSecret", "Gives a website one more secret, so that the old one can be retired without a gap."},
		{"DELETE /sites/{site}/secrets/{secret}", "retireSecret", "Retires a secret of a website."},
		{"PUT /templates/{templates}/versions/{version}", "publishTemplates", "Publishes a version of templates. It can't be changed afterwards."},
		{"GET /templates/{templates}/versions/{version}", "getTemplatesVersion", "Returns a version of templates."},
		{"GET /tickets", "listTickets", "Lists tickets, the newest first."},
		{"POST /tickets", "processTickets", "Processes the tickets that a query finds by the templates as they are now."},
		{"GET /tickets/{site}/{event}", "getTicket", "Returns a ticket with what was pushed."},
		{"POST /tickets/{site}/{event}/decisions", "processTicket", "Processes a ticket by the templates as they are now."},
		{"POST /tickets/{site}/{event}/assignments", "assignTicket", "Gives a ticket to a code, a pool or an account."},
		{"POST /tickets/{site}/{event}/rejections", "rejectTicket", "Rejects a ticket, with a note."},
	}},
	{"Journal", "The audit trail and the work behind.", []entry{
		{"GET /journal", "readJournal", "Returns records that follow a cursor, each at least once to a reader that goes on from the last cursor it dealt with."},
		{"GET /journal/{subject}", "listSubjectEntries", "Lists what the journal tells of a subject, the newest first."},
		{"POST /sweeps", "sweep", "Writes down what lapsed."},
		{"POST /prunes", "prune", "Deletes the codes that are over."},
	}},
	{"Demo", "What made-up users do on their phones, where WeChat is that of the demo.", []entry{
		{"POST /demo/logins", "openOnPhone", "Returns a code of wx.login."},
		{"POST /demo/presses", "pressOnPhone", "Returns a code of the phone button."},
		{"POST /demo/scans", "scanOnPhone", "Returns the scene of a round code."},
		{"POST /demo/accepts", "acceptOnPhone", "Accepts a message in the popup of wx.requestSubscribeMessage, of which WeChat pushes an event."},
		{"GET /demo/messages", "messagesOnPhone", "Lists the messages that WeChat has delivered there."},
	}},
}

// parameters describes those that have no description where they are declared.
var parameters = map[string]string{
	"program": "Program's id", "catalog": "Catalog's id", "member": "Member's id", "shop": "Shop's id", "version": "Number of the version, from 1",
	"identity": "Manager's identity, as the sign-in gives it", "serial": "Serial number or bar code of the physical stamp", "invitation": "Invitation's id", "code": "Label of the activation code, its first 8 characters",
	"n": "Number within its owner, from 1", "pool": "Pool's id", "device": "Device's id", "platform": "Platform's id, such as whatsapp", "owner": "Owner's id",
	"with": "Id of the other owner", "line": "Line's id", "visitor": "Visitor's id", "site": "Website's id", "secret": "Id of the secret", "templates": "Id of the templates",
	"event": "Event's id, as the website gave it", "limit": "Most items to return", "from": "First instant, RFC 3339", "to": "First instant that is left out, RFC 3339",
	"state": "Only those in this state", "account": "Account's id", "department": "Only those of this department", "verdict": "Only leads of this verdict",
	"session": "Session's id", "template": "Template's id, as WeChat's console has it",
	"reward": "Only those of this reward", "country": "Only those of this country, ISO 3166-1 alpha-2",
}

// described is the guide by operation.
var described = func() map[string]struct{ tag, id, text string } {
	all := map[string]struct{ tag, id, text string }{}
	for _, s := range guide {
		for _, e := range s.entries {
			all[e.operation] = struct{ tag, id, text string }{s.tag, e.id, e.text}
		}
	}
	return all
}()

// tags returns the sections as the document has them: all of them, or without that of the demo.
func tags(demo bool) []*huma.Tag {
	var all []*huma.Tag
	for _, s := range guide {
		if s.tag != "Demo" || demo {
			all = append(all, &huma.Tag{Name: s.tag, Description: s.text})
		}
	}
	return all
}

// describe returns an operation with what the guide says of it, and the problems that its callers
// meet.
func describe(who role, method, path, summary string) huma.Operation {
	told := described[method+" "+path]
	o := huma.Operation{
		OperationID: told.id, Method: method, Path: path, Summary: summary, Description: told.text, Tags: []string{told.tag},
		MaxBodyBytes: longest(path) + 1, Security: security(who),
		Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}
	if who != anyone {
		o.Errors = append(o.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	if method != http.MethodGet {
		o.Errors = append(o.Errors, http.StatusConflict)
	}
	return o
}

// complement describes the parameters that are described nowhere else, and adds what websites push,
// whose bodies are of any type.
func complement(d *huma.OpenAPI) {
	hook := describe(anyone, http.MethodPost, "/hooks/{site}", "Push an order or a lead")
	hook.Parameters = []*huma.Param{{Name: "site", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}}
	hook.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"*/*": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}
	hook.Responses = map[string]*huma.Response{strconv.Itoa(http.StatusAccepted): {Description: "Stored"}}
	for _, status := range append(hook.Errors, http.StatusUnauthorized, http.StatusRequestEntityTooLarge) {
		hook.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content: map[string]*huma.MediaType{"application/problem+json": {
				Schema: d.Components.Schemas.Schema(reflect.TypeFor[huma.ErrorModel](), true, ""),
			}},
		}
	}
	d.AddOperation(&hook)
	for _, item := range d.Paths {
		for _, o := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if o == nil {
				continue
			}
			if o.RequestBody != nil {
				for _, media := range o.RequestBody.Content {
					if media.Schema.Format == "binary" { // which can't be said in version 3.0
						media.Schema = &huma.Schema{Type: huma.TypeString}
					}
				}
			}
			for _, p := range o.Parameters {
				p.Description = cmp.Or(p.Description, parameters[p.Name])
			}
		}
	}
}
