package otp

import "github.com/scrmkit/scrmkit/internal/decimal"

// Normalize returns the digits of what a person typed: full-width digits (１２３) become plain, spaces
// and hyphens go. *errs.InputError: it has another character, or not 6 to 8 digits.
func Normalize(typed string) (string, error) { return decimal.Normalize(typed, minDigits, maxDigits) }
