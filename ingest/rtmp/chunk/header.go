package chunk

// A Kind is the type of a message.
type Kind uint8

// Kinds of messages.
//
// Source: RTMP 1.0, 5.4 and 7.1.
const (
	SetChunkSize     Kind = 1
	Abort            Kind = 2
	Acknowledgement  Kind = 3
	UserControl      Kind = 4
	WindowSize       Kind = 5 // Window Acknowledgement Size
	SetPeerBandwidth Kind = 6
	Audio            Kind = 8
	Video            Kind = 9
	DataAMF3         Kind = 15
	SharedAMF3       Kind = 16
	CommandAMF3      Kind = 17
	Data             Kind = 18
	Shared           Kind = 19
	Command          Kind = 20
	Aggregate        Kind = 22
)

// A Header is what a message says of itself before its payload.
type Header struct {
	Kind   Kind
	Stream uint32 // message stream: what a publish command of the connection named; 0: the connection itself
	Time   uint32 // milliseconds as sent, deltas added up; wraps at 2^32
	Length int    // of the payload in bytes, at most 2^24-1
}
