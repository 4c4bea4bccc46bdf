//go:build !race

package dbtest

import _ "modernc.org/sqlite" // which no test opens under the race detector, where it would be linked to each
