package flow_test

import (
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/storage"
)

func TestWhatANewerReleaseHasPutThereIsRefused(t *testing.T) {
	var v struct {
		N int `json:"n"`
	}
	if err := flow.Read([]byte(`{"n":7}`), &v); err != nil || v.N != 7 {
		t.Errorf("%+v, %v", v, err)
	}
	if err := flow.Read([]byte(`{"n":7,"more":1}`), &v); !errors.Is(err, storage.ErrFormat) {
		t.Error(err)
	}
	for _, text := range []string{"", "{", `{"n":"seven"}`} {
		if err := flow.Read([]byte(text), &v); err == nil || errors.Is(err, storage.ErrFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
