// Package miniprogram is what a service asks WeChat for users of its Mini Program (小程序): who
// signed in, the phone number behind a button, whether a text may be shown, pictures of codes and
// links.
//
// A user is known by an [OpenID], which is one app's, and by a [UnionID] where the app is bound to
// an open-platform account: it is of that account and the same in all of its apps. Nicknames and
// avatars are what users type and choose; WeChat tells neither.
//
// The session key of a sign-in never leaves the package: it is stored, sealed.
package miniprogram
