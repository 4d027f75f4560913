package rtmp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// The handshake: C0 and C1 come, S0, S1 and S2 go, C2 comes. C2 is not looked at, as no server does.
const (
	helloSize  = 1 + 1536 // C0, C1
	answerSize = 1 + 1536 + 1536
	echoSize   = 1536 // C2

	digestSize = sha256.Size
)

// The keys of the handshake with digests, as every player and server has them: they are names, no secrets.
const (
	keyTail = "\xF0\xEE\xC2\x4A\x80\x68\xBE\xE8\x2E\x00\xD0\xD1\x02\x9E\x7E\x57\x6E\xEC\x5D\x2D\x29\x80\x6F\xAB\x93\xB8\xE6\x36\xCF\xEB\x31\xAE"

	encoderKey = "Genuine Adobe Flash Player 001"
	serverKey  = "Genuine Adobe Flash Media Server 001"
)

var errHello = errors.New("not RTMP")

// answerHello appends S0, S1 and S2 to dst, for a C0 and C1 of helloSize bytes. An encoder that has put a digest into C1 gets
// digests back, for some go no further without; all others get the plain form.
//
// Source: RTMP 1.0, 5.2; Adobe's "RTMP handshake with digest" as published with Flash Media Server 3.
func answerHello(dst, hello []byte) ([]byte, error) {
	switch v := hello[0]; {
	case v == 3:
	case v == 0x16:
		return dst, fmt.Errorf("%w: this is TLS; RTMPS has a port of its own (rtmp.tls.listen)", errHello)
	case v == 6 || v == 8 || v == 9:
		return dst, fmt.Errorf("%w: RTMPE is not taken; use rtmps://", errHello)
	default:
		return dst, fmt.Errorf("%w: it begins with byte 0x%02X", errHello, v)
	}
	c1 := hello[1:]
	at := len(dst)
	dst = append(dst, make([]byte, answerSize)...)
	dst[at] = 3
	s1, s2 := dst[at+1:at+1+1536], dst[at+1+1536:]
	place, digest := findDigest(c1)
	if digest == nil {
		_, _ = rand.Read(s1[8:]) // it never fails; S1's time and version are zero
		copy(s2, c1)
		return dst, nil
	}
	_, _ = rand.Read(s1[4:])
	_, _ = rand.Read(s2)
	copy(s1[4:8], "\x04\x05\x00\x01")
	i := place(s1)
	copy(s1[i:], sign(serverKey, s1[:i], s1[i+digestSize:]))
	copy(s2[1536-digestSize:], sign(string(sign(serverKey+keyTail, digest)), s2[:1536-digestSize]))
	return dst, nil
}

// A place tells where in C1 or S1 the digest lies. There are two schemes.
type place func(b []byte) int

func lateDigest(b []byte) int  { return digestAt(b, 772) }
func earlyDigest(b []byte) int { return digestAt(b, 8) }

func digestAt(b []byte, base int) int {
	sum := int(b[base]) + int(b[base+1]) + int(b[base+2]) + int(b[base+3])
	return base + 4 + sum%728
}

// findDigest finds the encoder's digest in C1, or nil.
func findDigest(c1 []byte) (place, []byte) {
	if c1[4]|c1[5]|c1[6]|c1[7] == 0 { // no version: the plain form
		return nil, nil
	}
	for _, p := range []place{lateDigest, earlyDigest} {
		i := p(c1)
		digest := c1[i : i+digestSize]
		if hmac.Equal(digest, sign(encoderKey, c1[:i], c1[i+digestSize:])) {
			return p, digest
		}
	}
	return nil, nil
}

func sign(key string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
