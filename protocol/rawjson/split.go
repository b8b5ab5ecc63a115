package rawjson

import "bytes"

// The functions of this file read JSON that Check has passed, alone or as a part of something larger. To check each
// part again would cost more than all the rest of a publish. They may panic on anything else.

// IsObject reports whether a checked value is an object.
func IsObject(checked []byte) bool {
	i := afterSpace(checked, 0)
	return i < len(checked) && checked[i] == '{'
}

// Split appends the members of a checked object to dst, in their order; a value that is no object has none. The values
// are parts of object, not copies. Names that are known are those strings, so that they cost nothing.
func Split(dst []Member, object []byte, known []string) []Member {
	if !IsObject(object) {
		return dst
	}
	for i := afterSpace(object, afterSpace(object, 0)+1); object[i] != '}'; {
		var name, value []byte
		name, value, i = member(object, i)
		dst = append(dst, Member{Name: nameOf(name, known), Value: value})
	}
	return dst
}

// Lookup returns the value of the named member of a checked object, nil if there is none or if the value is no object.
// It allocates nothing, unless a name is written with escapes.
func Lookup(object []byte, name string) []byte {
	if !IsObject(object) {
		return nil
	}
	for i := afterSpace(object, afterSpace(object, 0)+1); object[i] != '}'; {
		var raw, value []byte
		raw, value, i = member(object, i)
		if bytes.IndexByte(raw, '\\') < 0 {
			if string(raw[1:len(raw)-1]) == name {
				return value
			}
		} else if text, _ := Text(raw); text == name {
			return value
		}
	}
	return nil
}

// member reads the member that begins at i, or behind the comma there. after is where the next one or the end begins.
func member(object []byte, i int) (name, value []byte, after int) {
	if object[i] == ',' {
		i = afterSpace(object, i+1)
	}
	colon := afterText(object, i)
	start := afterSpace(object, afterSpace(object, colon)+1)
	end := afterValue(object, start)
	return object[i:colon], object[start:end:end], afterSpace(object, end)
}

// Elements are the raw elements of a checked array. ok is false for a value that is none.
func Elements(array []byte) (elements [][]byte, ok bool) {
	i := afterSpace(array, 0)
	if i == len(array) || array[i] != '[' {
		return nil, false
	}
	for i = afterSpace(array, i+1); array[i] != ']'; {
		if array[i] == ',' {
			i = afterSpace(array, i+1)
		}
		end := afterValue(array, i)
		elements = append(elements, array[i:end:end])
		i = afterSpace(array, end)
	}
	return elements, true
}

func nameOf(raw []byte, known []string) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		raw := raw[1 : len(raw)-1]
		for _, name := range known {
			if string(raw) == name {
				return name
			}
		}
		return string(raw)
	}
	name, _ := Text(raw)
	return name
}

// afterSpace returns the index of the first byte from i on that is no space.
func afterSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// afterText returns the index behind the string at i.
func afterText(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// afterValue returns the index behind the value at i.
func afterValue(text []byte, i int) int {
	switch text[i] {
	case '"':
		return afterText(text, i)
	case '{', '[':
		return afterBrackets(text, i)
	}
	for i < len(text) && text[i] != ',' && text[i] != '}' && text[i] != ']' && text[i] > ' ' {
		i++
	}
	return i
}

// afterBrackets returns the index behind the array or object at i.
func afterBrackets(text []byte, i int) int {
	for depth := 0; ; i++ {
		switch text[i] {
		case '"':
			i = afterText(text, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}
