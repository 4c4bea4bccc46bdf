package session

var (
	NewToken   = newToken
	WellFormed = wellFormed
	HashToken  = hashToken
)

const TokenPrefix = tokenPrefix
