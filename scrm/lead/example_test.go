package lead_test

import (
	"fmt"

	"github.com/scrmkit/scrmkit/scrm/lead"
)

// A contact adds two accounts of a job. The event of the first one arrives last, and takes the NEW from the other.
func ExampleFacts_Meet() {
	now := noon.Add(lead.Ahead)
	job, err := lead.Job{}.Put(lead.Put{
		Job: lead.JobID{Code: "YK9LSA3IS", Platform: "whatsapp"}, Owner: "boss", Name: "WhatsApp", Key: "open",
		Terms: lead.Terms{Counts: lead.CountInbound, Zone: "Asia/Shanghai"},
	}, noon)
	if err != nil {
		fmt.Println(err)
		return
	}
	var contact lead.Contact
	for _, e := range []lead.Event{
		{ID: "m2", Account: "sales-2", At: noon.Add(1), Kind: lead.Inbound},
		{ID: "m1", Account: "sales-1", At: noon, Kind: lead.Inbound},
	} {
		d, err := lead.Facts{Job: &job}.Meet(contact, e, now)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.Account, d.Verdict, d.Reasons)
		for _, turned := range d.Turned {
			fmt.Println("lead", turned.N, turned.From, "->", turned.To)
		}
		contact = d.Next
	}
	// Output:
	// sales-2 new [first]
	// sales-1 new [first]
	// lead 1 new -> duplicate
}
