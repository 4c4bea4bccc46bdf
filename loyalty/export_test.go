package loyalty

// Check is verify, for tests that tamper.
var Check = verify
