package bulk

// Each runs commands together, and returns a result and an error for each. prepare returns what run
// takes, or why the command can't be run; run returns a result and an error for each that it takes.
func Each[C, O, R any](commands []C, prepare func(C) (O, error), run func([]O) ([]R, []error)) ([]R, []error) {
	results, errs := make([]R, len(commands)), make([]error, len(commands))
	var ops []O
	var of []int // which command each is
	for i, c := range commands {
		o, err := prepare(c)
		if errs[i] = err; err == nil {
			ops, of = append(ops, o), append(of, i)
		}
	}
	ran, failed := run(ops)
	for k, i := range of {
		if errs[i] = failed[k]; errs[i] == nil {
			results[i] = ran[k]
		}
	}
	return results, errs
}
