package api

import (
	"net/url"
	"strconv"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Documents are the answers to an outpost, by the path below /api/v3/ without slashes at its ends ("outposts/radius").
// Each is JSON that [rawjson.Check] has passed. An array is a list, which is served in authentik's pages; anything
// else is served as it is. Documents are never changed.
type Documents map[string][]byte

// providerLists are the paths at which outposts of each kind find their providers.
var providerLists = []struct{ path, kind string }{
	{"outposts/proxy", "proxy"}, {"outposts/ldap", "ldap"}, {"outposts/radius", "radius"},
}

// kind is the kind of outpost that the documents are for.
func (d Documents) kind() string {
	for _, list := range providerLists {
		if _, ok := d[list.path]; ok {
			return list.kind
		}
	}
	return "proxy"
}

// answerDocument answers with a document, or with the page of it that the query asks for.
func answerDocument(rc *requestContext, document []byte) error {
	elements, isList := rawjson.Elements(document)
	if !isList {
		rc.out = append(rc.out, document...)
		return nil
	}
	p, err := pageOf(rc.r.URL.RawQuery, len(elements))
	if err != nil {
		return err
	}
	rc.out = append(appendPagination(append(rc.out, '{'), p), `,"results":[`...)
	from, to := p.bounds()
	for i, element := range elements[from:to] {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = append(rc.out, element...)
	}
	endPage(rc)
	return nil
}

// page is one page of a list, as authentik counts them: the first is 1, and an empty list has one page.
type page struct{ number, size, count int }

// pageOf reads which page of a list the query asks for; without a size the list is one page. Other parameters order and
// filter, on which outposts do not rely.
func pageOf(query string, count int) (page, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return page{}, protocol.Refuse(protocol.Malformed, "the query cannot be read; is it percent-encoded?")
	}
	p := page{number: 1, size: max(1, count), count: count}
	if p.number, err = readPositive(values, "page", p.number); err != nil {
		return p, err
	}
	if p.size, err = readPositive(values, "page_size", p.size); err != nil {
		return p, err
	}
	if p.number > p.pages() {
		return p, protocol.Refuse(protocol.NotFound, "Invalid page.")
	}
	return p, nil
}

// readPositive reads a number from 1 up, or returns otherwise if it is left out.
func readPositive(values url.Values, name string, otherwise int) (int, error) {
	all := values[name]
	if len(all) == 0 {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(all[len(all)-1], 10, 31)
	if err != nil || n == 0 {
		return 0, protocol.Refuse(protocol.Malformed, "%s must be an integer from 1 up", name)
	}
	return int(n), nil
}

func (p page) pages() int { return max(1, (p.count+p.size-1)/p.size) }

// bounds are the indexes at which the page begins and ends in the list.
func (p page) bounds() (from, to int) {
	from = (p.number - 1) * p.size
	return from, from + min(p.size, p.count-from)
}

// appendPagination appends the member by which authentik's clients find the next page; page 0 is none.
func appendPagination(dst []byte, p page) []byte {
	from, to := p.bounds()
	next := 0
	if p.number < p.pages() {
		next = p.number + 1
	}
	dst = append(dst, `"pagination":{`...)
	for i, member := range []struct {
		name  string
		value int
	}{
		{"next", next}, {"previous", p.number - 1}, {"count", p.count}, {"current", p.number},
		{"total_pages", p.pages()}, {"start_index", min(from+1, to)}, {"end_index", to},
	} {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendQuote(dst, member.name), ':')
		dst = strconv.AppendInt(dst, int64(member.value), 10)
	}
	return append(dst, '}')
}

// Problem says what in the documents would make an outpost exit, "" for nothing.
func (d Documents) Problem() string {
	for _, path := range []string{"outposts/ldap", "outposts/radius"} {
		if elements, isList := rawjson.Elements(d[path]); isList && len(elements) == 0 {
			return path + " is an empty list, at which such an outpost ends"
		}
	}
	for _, list := range providerLists {
		if document, ok := d[list.path]; ok && len(document) > 0 && document[0] != '[' && document[0] != '{' {
			return list.path + " must be a list of providers, or a page of them"
		}
	}
	return ""
}
