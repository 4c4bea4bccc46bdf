package callback

// The events of subscribe messages.
const (
	SubscribePopup  = "subscribe_msg_popup_event"  // the user answered the question for messages
	SubscribeChange = "subscribe_msg_change_event" // the user changed the settings
	SubscribeSent   = "subscribe_msg_sent_event"   // a message that was sent arrived, or did not
)

// A Subscription is what an event of subscribe messages says of one template.
type Subscription struct {
	Template string // template id
	Accepted bool   // of SubscribePopup and SubscribeChange
	Scene    string // PopupScene of SubscribePopup
	Message  string // MsgID of SubscribeSent
	Code     string // ErrorCode of SubscribeSent: "0" is that it arrived
	Status   string // ErrorStatus of SubscribeSent
}

// Subscriptions returns what an event of subscribe messages says, an element for each template;
// nil: the push is none of these events.
func (p Push) Subscriptions() []Subscription {
	var lists []node
	switch p.Event {
	case SubscribePopup:
		lists = p.root.all("SubscribeMsgPopupEvent", "List")
	case SubscribeChange:
		lists = p.root.all("SubscribeMsgChangeEvent", "List")
	case SubscribeSent:
		lists = p.root.all("SubscribeMsgSentEvent", "List")
	default:
		return nil
	}
	var all []Subscription
	for _, l := range append(lists, p.root.all("List")...) { // XML has the list in an element of the event, and JSON by itself
		all = append(all, Subscription{
			Template: l.first("TemplateId"), Accepted: l.first("SubscribeStatusString") == "accept", Scene: l.first("PopupScene"),
			Message: l.first("MsgID"), Code: l.first("ErrorCode"), Status: l.first("ErrorStatus"),
		})
	}
	return all
}
