package loyaltytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// diff returns where two values differ as JSON, a line for each place: "balance.points: got 5, want
// 7".
func diff(want, got any) []string {
	return differences("", plain(want), plain(got))
}

// plain returns a value as what its JSON is read as.
func plain(v any) (p any) {
	text, err := json.Marshal(v)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber() // points have more digits than a float
		err = d.Decode(&p)
	}
	if err != nil {
		return fmt.Sprintf("no JSON: %v", err)
	}
	return p
}

func differences(path string, want, got any) (lines []string) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		all := maps.Clone(w)
		maps.Copy(all, g)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			at := key
			if path != "" {
				at = path + "." + key
			}
			lines = append(lines, differences(at, w[key], g[key])...)
		}
		return lines
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range max(len(w), len(g)) {
			lines = append(lines, differences(fmt.Sprintf("%s[%d]", path, i), at(w, i), at(g, i))...)
		}
		return lines
	}
	if reflect.DeepEqual(want, got) || empty(want) && empty(got) || sameTime(want, got) {
		return nil
	}
	return []string{fmt.Sprintf("%s: got %s, want %s", path, text(got), text(want))}
}

// sameTime reports whether both are texts of one instant.
func sameTime(a, b any) bool {
	x, ok := a.(string)
	y, also := b.(string)
	if !ok || !also {
		return false
	}
	s, err := time.Parse(time.RFC3339Nano, x)
	if err != nil {
		return false
	}
	u, err := time.Parse(time.RFC3339Nano, y)
	return err == nil && s.Equal(u)
}

// empty reports whether a value is none, or has nothing in it.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func at(all []any, i int) any {
	if i < len(all) {
		return all[i]
	}
	return nil
}

func text(v any) string {
	if v == nil {
		return "nothing"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
