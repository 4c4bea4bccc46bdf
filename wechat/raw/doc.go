// Package raw gives the rest of WeChat's API, for which scrmkit has no calls of its own: the object
// of github.com/silenceper/wechat/v2, with the access tokens of a [wechat.Client].
//
// A service that imports this package builds 49 packages of nine modules more, among them a client
// of Redis, which it does not run. No other package of scrmkit depends on them.
//
// It is as that library is, of which a caller needs to know:
//
//   - Its errors may have access tokens and codes in them. Log what [Redact] returns.
//   - It does not tell the client of a token that WeChat refuses. After a *util.CommonError of
//     40001, 40014 or 42001 call wechat.Client.Refused with the token, and make the call again.
//   - All its calls go by the variable util.DefaultHTTPClient, which has no timeout. Set it, to a
//     client of your own, when the process begins and before any call.
//   - encryptor.Decrypt panics on ciphertexts that an attacker makes up, and its message package
//     takes pushes that WeChat did not send. Use wechat/miniprogram and wechat/callback.
//   - Its package wechat, the root, sets the output of logrus as it is imported. Import those below
//     it alone.
package raw
