package mail_test

import (
	"context"
	"fmt"

	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/message/mail"
)

// A mailbox of 腾讯企业邮, whose password is the client password that its settings show.
func ExampleNew() {
	s, err := mail.New(mail.Settings{
		Host: "smtp.exmail.qq.com", Login: "noreply@shop.example.com", Password: "…", Name: "望京咖啡",
		Texts: []mail.Text{
			{
				Template: "signin", Language: "zh", Subject: "验证码 {{.code}}", Body: "{{.code}} 是您的验证码。",
				HTML: "<p><b>{{.code}}</b> 是您的验证码。</p>",
			},
			{Template: "signin", Language: "en", Subject: "Your code", Body: "{{.code}} is your code."},
		},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = s.Send(context.Background(), message.Message{Ref: "42", Channel: message.Mail, To: "Alice <alice@example.net>", Template: "signin"})
	fmt.Println(err)
	// One outbox serves each channel that there is a sender of. On a laptop, message.Print is one.
	all := message.ByChannel{message.Mail: s}
	_, err = all.Send(context.Background(), message.Message{Ref: "43", Channel: message.Mail, To: "alice@example.net", Template: "signin"})
	fmt.Println(err)
	// Output:
	// message: invalid address (smtp): it is not one address of a mailbox
	// vars: lack one that the text of the template needs
}
