package lead_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Two accounts of a job hear from one contact.
func ExampleEngine() {
	ctx, db := context.Background(), memory.New()
	now := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	leads := lead.New(db, &lead.Options{Now: func() time.Time { return now }})
	job := lead.JobID{Code: "YK9LSA3IS", Platform: "whatsapp"}
	_, err := leads.Put(ctx, lead.Put{Job: job, Owner: "boss", Name: "WhatsApp", Key: "open", Terms: lead.Terms{
		Scope: lead.Scope{Reach: lead.ReachOwner, Library: true}, Counts: lead.CountInbound, Zone: "Asia/Shanghai",
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	contact := []lead.Identity{{Platform: "whatsapp", Namespace: lead.WhatsApp, ID: "8613800138000"}}
	for i, account := range []ids.Account{"sales-1", "sales-2"} {
		out, err := leads.Observe(ctx, lead.Observe{Contact: contact, Job: job, Event: lead.Event{
			ID: lead.EventID(fmt.Sprint("message-", i)), Account: account, At: now.Add(time.Duration(i) * time.Second), Kind: lead.Inbound,
		}})
		fmt.Println(out.Verdict, out.Reasons, err)
	}
	counted, err := leads.Summary(ctx, job)
	fmt.Println(counted.Today.New, counted.Today.Duplicate, err)
	// Output:
	// new [first] <nil>
	// duplicate [job] <nil>
	// 1 1 <nil>
}

// A contact adds two accounts of a job. The event of the first one arrives last, and takes the NEW from the other.
func ExampleFacts_Observe() {
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
		d, err := lead.Facts{Job: &job}.Observe(contact, e, now)
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

// A file of people who are known already. The same file is sent again after a failure, with its key.
func ExampleEngine_ImportCSV() {
	leads := lead.New(memory.New(), nil)
	file := "name,phone\n郭恩晴,138 0013 8000\n张小东,+86 (0)139-1234-5678\n郭恩晴,008613800138000\n李,none\n"
	list := lead.ImportCSV{Platform: "whatsapp", Namespace: lead.WhatsApp, Column: "phone", Phones: true, Region: "CN", Key: "customers.csv"}
	for row, err := range leads.ImportCSV(context.Background(), list, strings.NewReader(file)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.Row, row.Mark, row.Of)
	}
	// Output:
	// 1 added 0
	// 2 added 0
	// 3 inFile 1
	// 4 unread 0
}
