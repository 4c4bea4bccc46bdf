package engine

// PruneBatch is how many rows are deleted at a time, so that nobody waits long.
const PruneBatch = 1000

// Prune runs each of what deletes rows, at most PruneBatch of them at a time, until it deletes
// fewer, and returns how many rows that were.
func Prune(all ...func() (int64, error)) (n int64, err error) {
	for _, some := range all {
		for more := int64(PruneBatch); more == PruneBatch; n += more {
			if more, err = some(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}
