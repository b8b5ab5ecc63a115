package protocol

// Registration is one protocol as all the rest of Parley knows it. A protocol is a folder whose package exports one of
// these, and a line in the list of package cmd/parley/protocols. The configuration, its checks and its reload, the
// paths of the server, what dev mode prints, how parley listen speaks, the tables of README and the tests that play
// transcripts through a whole node are made of that list.
type Registration struct {
	// Name is what people call the protocol, such as "AirLay"; logs and metrics have the names of its dialects.
	Name string
	// Section is the key of the protocol's settings in the configuration file. Env stands before their names in the
	// environment, behind PARLEY_, and ends with an underscore. Both are "" for a protocol without settings.
	Section, Env string
	// Defaults returns new settings, as the protocol obeys them where nothing is set.
	Defaults func() Settings
	// Dialects describe what Settings.Dialects returns, in the same order.
	Dialects []Description
}

// Description is what a dialect cannot say by itself: it is for people, for tests and for parley listen.
type Description struct {
	// Name is Dialect.Name, whatever the settings are.
	Name string
	// Transcripts are the files of its golden transcripts, as a pattern of path.Match from the root of the module.
	// Tests play them.
	Transcripts string
	// Client is how parley listen speaks the dialect; nil if it does not.
	Client *Client
	// Greeting is what dev mode prints about the dialect, if it has a Client.
	Greeting Greeting
	// Doc is what README says about it, if it has a Client.
	Doc Doc
}

// Greeting is what dev mode prints about a dialect, beside its address and its name. In Console and Example {ADDRESS},
// {PATH} (the first of Dialect.Paths), {TOKEN} and {OUTPOST} are filled in.
type Greeting struct {
	// Label is a shorter name, of at most 11 letters; "" is the dialect's.
	Label string
	// Note stands behind the address.
	Note string
	// Example are the topics that the line with parley listen asks for.
	Example string
	// Console is JavaScript to paste into a browser's console; "" for a dialect that browsers do not speak.
	Console string
}

// Doc is what README says about a dialect.
type Doc struct {
	// Title heads its row and its column; "" is the dialect's name.
	Title string
	// Address and Credential are where clients connect, and how they show their token.
	Address, Credential string
	// Samples are events that show what the dialect makes of them, beside one event of each kind.
	Samples []Sample
}

// Sample is an event for README; Note says what is special about it.
type Sample struct {
	Note  string
	Event EventInput
}

// TitleOf is how README calls the dialect.
func (d *Description) TitleOf() string {
	if d.Doc.Title != "" {
		return d.Doc.Title
	}
	return d.Name
}
