package media

// Blank is a sample of the track in which nothing is shown, nil for what is no text. It is a function of the decoder
// configuration and the language. Do not write to it.
//
// Source: ISO/IEC 14496-30, 5 (a TTML document is whole: one without content) and 6.6 (vtte); 3GPP TS 26.245, 5.17.
func (in *Input) Blank() []byte { return in.blank }

func blankOf(entry, language string) []byte {
	switch entry {
	case "stpp":
		if language == "und" {
			language = ""
		}
		return []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
			`<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="` + language + `"><head/><body/></tt>` + "\n")
	case "wvtt":
		return []byte("\x00\x00\x00\x08vtte")
	case "tx3g":
		return []byte{0, 0}
	}
	return nil
}
