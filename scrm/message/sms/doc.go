// Package sms sends text messages (短信) by the HTTP APIs of vendors: Aliyun (阿里云), Tencent
// Cloud (腾讯云), Volcengine (火山引擎) and Twilio, each with a function of its own, and any other
// by [New]. It reads what these four push of delivered messages, too.
//
// The texts are the vendor's. In mainland China each is a template (模板) that it has approved,
// under a signature (签名) that is registered with the carriers, and a message only names the
// template and fills in its variables. [Text] says which template a message of the service's has
// with the vendor; a message that has none is not sent, and the error is of kind
// message.ErrSettings.
//
// A vendor's answer decides what came of a message, not the status of HTTP. Without one, after a
// time-out, a connection that broke off, or a page of a gateway, nobody knows whether the message
// is sent, and the error is message.ErrUnknown: vendors do not recognize a message that they got
// before, so nothing here sends one twice. A receipt tells later.
//
// No error has a number, a value or a secret in it. Of a vendor's answer it has the code alone.
package sms
