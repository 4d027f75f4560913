package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files in data.dir of the certificate that weir makes where none is given.
const (
	certificateFile = "tls-certificate.pem"
	keyFile         = "tls-key.pem"
)

// certificate is what TLS listeners show: the operator's, else one that is kept in data.dir, else one that is made for
// ten years and kept there. (Without data.dir, it lives as long as the process.)
func (c *Config) certificate(log *slog.Logger) (tls.Certificate, error) {
	t := &c.RTMP.TLS
	if t.Certificate != "" {
		cert, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return cert, fmt.Errorf("rtmp.tls.certificate: %w", err)
		}
		return cert, nil
	}
	certPath, keyPath := filepath.Join(c.Data.Dir, certificateFile), filepath.Join(c.Data.Dir, keyFile)
	if c.Data.Dir != "" {
		cert, err := tls.LoadX509KeyPair(certPath, keyPath)
		if err == nil && time.Now().Before(cert.Leaf.NotAfter) {
			return cert, nil
		}
	}
	certPEM, keyPEM, err := selfSign(time.Now())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of its own: %w", err)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return cert, fmt.Errorf("certificate of its own: %w", err)
	}
	if c.Data.Dir != "" {
		if err := keep(c.Data.Dir, keyPath, keyPEM, certPath, certPEM); err != nil {
			return cert, fmt.Errorf("data.dir: %w", err)
		}
	}
	print := sha256.Sum256(cert.Leaf.Raw)
	log.Info("RTMPS has a certificate of its own making: encoders that verify it need rtmp.tls.certificate", "sha256", hex.EncodeToString(print[:]))
	return cert, nil
}

// keep writes the key, for nobody else to read, and the certificate.
func keep(dir, keyPath string, key []byte, certPath string, cert []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(keyPath, key, 0o600); err != nil {
		return err
	}
	return os.WriteFile(certPath, cert, 0o644)
}

// selfSign makes a certificate for this machine, in PEM.
func selfSign(now time.Time) (cert, key []byte, err error) {
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	names := []string{"localhost"}
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "weir"},
		NotBefore:    now.Add(-24 * time.Hour), // clocks of encoders are often wrong
		NotAfter:     now.AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     names,
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},

		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		return nil, nil, err
	}
	secretDER, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secretDER}), nil
}
