//go:build cgo

package plextrac

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// network holds the TLS and proxy settings of a session, for the requests that net/http sends for it.
type network struct {
	// authorities are PEM texts.
	authorities  [][]byte
	onlyGiven    bool
	insecure     bool
	certificates []tls.Certificate
	// proxy is nil if the environment decides.
	proxy *url.URL
	// direct means no proxy, even if the environment names one.
	direct bool
}

// ownTransport makes its http.Transport when it is first needed.
type ownTransport struct {
	network network

	mu   sync.Mutex
	made *http.Transport
}

func (o *ownTransport) get() *http.Transport {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made == nil {
		o.made = o.network.transport()
	}
	return o.made
}

func (o *ownTransport) closeIdleConnections() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made != nil {
		o.made.CloseIdleConnections()
	}
}

// transport is a copy of http.DefaultTransport with these settings.
func (n *network) transport() *http.Transport {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = standard.Clone()
	}
	if n.direct {
		transport.Proxy = nil
	} else if n.proxy != nil {
		transport.Proxy = http.ProxyURL(n.proxy)
	}
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{}
	}
	transport.TLSClientConfig.RootCAs = n.roots()
	transport.TLSClientConfig.Certificates = n.certificates
	transport.TLSClientConfig.InsecureSkipVerify = n.insecure
	return transport
}

// roots is nil for the system's own.
func (n *network) roots() *x509.CertPool {
	if len(n.authorities) == 0 && !n.onlyGiven {
		return nil
	}
	pool := x509.NewCertPool()
	if !n.onlyGiven {
		if system, err := x509.SystemCertPool(); err == nil {
			pool = system
		}
	}
	for _, pem := range n.authorities {
		pool.AppendCertsFromPEM(pem) // the library has already found certificates in it
	}
	return pool
}

// setProxy reads the URL as the library does: the scheme may be missing, and the default ports are curl's.
func (n *network) setProxy(address string) error {
	n.proxy, n.direct = nil, address == ""
	if n.direct {
		return nil
	}
	address = strings.TrimSpace(address)
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	proxy, err := url.Parse(address)
	if err != nil {
		// The error of url.Parse repeats the URL, which may hold a password.
		return &Error{Status: ErrInvalidArgument, Message: "net/http refuses the URL of the proxy: give a URL like http://host:port"}
	}
	if proxy.Port() == "" {
		defaults := map[string]string{"http": "1080", "https": "443"}
		proxy.Host = strings.TrimSuffix(proxy.Host, ":") + ":" + defaults[strings.ToLower(proxy.Scheme)]
	}
	n.proxy = proxy
	return nil
}
