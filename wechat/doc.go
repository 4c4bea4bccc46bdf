// Package wechat talks to WeChat (微信) for an app: a Mini Program or another account that has an
// AppID and a secret.
//
// A [Client] calls WeChat's API with the app's access token, of which WeChat gives one at a time.
// Any number of processes share it in the embedder's database, sealed with the embedder's keys:
// one of them gets a new one before the old one ends, and the others go on with the old one
// meanwhile. What it answers with are errors of type [Error], of a few kinds for errors.Is. No
// error has a secret, a token, a session key or a telephone number in it.
//
// What calls do is in the packages below this one.
package wechat
