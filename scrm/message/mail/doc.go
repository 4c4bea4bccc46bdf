// Package mail sends mail by SMTP, from a mailbox with exmail.qq.com (腾讯企业邮), qiye.aliyun.com
// (阿里企业邮箱) or another provider, or by a service that sends for programs. Port 25 is closed on
// most clouds; 465, where TLS begins at once, is what [TLS] uses.
//
// A mail has a subject and a text, and mostly the same in HTML, of templates that the service
// writes. Each has the variables of the message by name, and a mail whose template needs one that
// the message lacks is not sent.
//
// Sent is what the server said yes to, after the last line of the mail. Where the connection ends
// before it says so, nobody knows whether the mail is sent, and the error is message.ErrUnknown.
// Before the mail itself goes out, an error means that it is not sent. No error has an address, a
// value or a password in it. Of the server's answer it has the codes alone.
package mail
