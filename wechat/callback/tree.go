package callback

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A node is an element of XML or a member of JSON, which push the same by the same names.
type node struct {
	name string
	text string
	kids []node
}

// maxDepth is how deep elements are in each other.
const maxDepth = 16

var errTree = errors.New("the message is neither XML nor JSON as WeChat writes it")

// parse reads a message in either format: what it is, not what a header says, decides.
func parse(message []byte) (root node, isXML bool, err error) {
	switch text := bytes.TrimLeft(bytes.TrimPrefix(message, []byte("\xef\xbb\xbf")), " \t\r\n"); {
	case bytes.HasPrefix(text, []byte("<")):
		root, err = parseXML(text)
		return root, true, err
	case bytes.HasPrefix(text, []byte("{")):
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return node{}, false, errTree
		}
		if _, err := d.Token(); err != io.EOF {
			return node{}, false, errTree
		}
		err = root.add("", v, 0)
		if err != nil {
			return node{}, false, err
		}
		return root.kids[0], false, nil
	}
	return node{}, false, errTree
}

// add adds a member of that name; one for each element of a list.
func (n *node) add(name string, v any, depth int) error {
	if depth > maxDepth {
		return errTree
	}
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if err := n.add(name, x, depth+1); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		kid := node{name: name}
		for name, x := range v {
			if err := kid.add(name, x, depth+1); err != nil {
				return err
			}
		}
		n.kids = append(n.kids, kid)
	case nil:
	default:
		n.kids = append(n.kids, node{name: name, text: fmt.Sprint(v)})
	}
	return nil
}

// parseXML reads one element. Declarations of entities are refused with all other directives.
func parseXML(text []byte) (node, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	open := []node{{}}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return node{}, errTree
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) > maxDepth {
				return node{}, errTree
			}
			open = append(open, node{name: t.Name.Local})
		case xml.EndElement:
			done := open[len(open)-1]
			if done.text = strings.TrimSpace(done.text); len(done.kids) > 0 {
				done.text = ""
			}
			open = open[:len(open)-1]
			last := &open[len(open)-1]
			last.kids = append(last.kids, done)
		case xml.CharData:
			open[len(open)-1].text += string(t)
		case xml.Directive:
			return node{}, errTree
		}
	}
	if len(open) != 1 || len(open[0].kids) != 1 || strings.TrimSpace(open[0].text) != "" {
		return node{}, errTree
	}
	return open[0].kids[0], nil
}

// all returns the elements along a path of names.
func (n node) all(path ...string) []node {
	if len(path) == 0 {
		return []node{n}
	}
	var found []node
	for _, k := range n.kids {
		if k.name == path[0] {
			found = append(found, k.all(path[1:]...)...)
		}
	}
	return found
}

// first returns the text of the first element along a path.
func (n node) first(path ...string) string {
	if found := n.all(path...); len(found) > 0 {
		return found[0].text
	}
	return ""
}

// sum is the hash of all that an element says, in whatever order and format it says it.
func (n node) sum() [sha256.Size]byte {
	parts := make([]string, len(n.kids))
	for i, k := range n.kids {
		sum := k.sum()
		parts[i] = string(sum[:])
	}
	slices.Sort(parts)
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %s", n.name, n.text, strings.Join(parts, "")))
}
