//go:build cgo

package plextrac

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Token is a token at one moment: get a new one whenever you need it. It has the shape of the oauth2
// package's, so that this makes a session an oauth2.TokenSource:
//
//	type source struct {
//		ctx     context.Context
//		session *plextrac.Session
//	}
//
//	func (s source) Token() (*oauth2.Token, error) {
//		token, err := s.session.Token(s.ctx)
//		if err != nil {
//			return nil, err
//		}
//		return &oauth2.Token{AccessToken: token.AccessToken(), TokenType: token.Type(), Expiry: token.Expiry}, nil
//	}
//
// Do not wrap it in an oauth2.ReuseTokenSource, which knows neither refresh nor 401: a session already
// hands out one token for as long as that is good.
type Token struct {
	// Expiry is when the token ends.
	Expiry time.Time

	value hidden[string]
}

// AccessToken is the token itself.
func (t Token) AccessToken() string {
	if t.value == nil {
		return ""
	}
	return t.value()
}

// Type is "Bearer": the word to put in front of the token for programs that want one. PlexTrac takes a
// token with it and without.
func (t Token) Type() string {
	return "Bearer"
}

// Format shows when the token ends, and never the token.
func (t Token) Format(f fmt.State, _ rune) {
	show(f, "plextrac.Token(until %s)", t.Expiry.Format(time.RFC3339))
}

// tokenFrom asks until a token and its end are of the same moment: it may be replaced in between.
func tokenFrom(ctx context.Context, from interface {
	Authorization(ctx context.Context) (string, error)
	ExpiresIn() (time.Duration, bool)
}) (Token, error) {
	authorization, err := from.Authorization(ctx)
	for err == nil {
		left, known := from.ExpiresIn()
		expiry := time.Now().Add(left)
		before := authorization
		authorization, err = from.Authorization(ctx)
		if err == nil && known && authorization == before {
			return Token{Expiry: expiry, value: hide(strings.TrimPrefix(authorization, "Bearer "))}, nil
		}
	}
	return Token{}, err
}
