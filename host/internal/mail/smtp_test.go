package mail

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"net"
	"strings"
	"testing"

	"booking/shared/secret"
)

// server is a mail server of few words; each mail it takes is what DATA said.
type server struct {
	address string
	mails   chan string
}

func startServer(t *testing.T, greeting string) server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := server{l.Addr().String(), make(chan string, 1)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(c, greeting)
		}
	}()
	return s
}

func (s server) talk(c net.Conn, greeting string) {
	defer c.Close()
	lines := bufio.NewScanner(c)
	say := func(text string) { fmt.Fprint(c, text+"\r\n") }
	say(greeting)
	for lines.Scan() {
		switch word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " "); word {
		case "EHLO":
			say("250-here\r\n250 8BITMIME")
		case "DATA":
			say("354 go on")
			var mail strings.Builder
			for lines.Scan() && lines.Text() != "." {
				mail.WriteString(lines.Text() + "\r\n")
			}
			s.mails <- mail.String()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func TestSMTPCarriesTheLinkWhole(t *testing.T) {
	t.Parallel()
	s := startServer(t, "220 here")
	sender, err := NewSMTP(secret.New("smtp://" + s.address + "?from=calendar@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	link := "https://calendar.example/recover/" + strings.Repeat("A", 52)
	err = sender.Send(t.Context(), Message{To: "anna@example.com", Subject: "Вход\r\nBcc: thief@example.com", Body: "Здравствуйте!\n\n" + link + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(<-s.mails, "\r\n\r\n")
	if strings.Contains(head, "\r\nBcc:") || !strings.Contains(head, "<anna@example.com>") || !strings.Contains(head, "<calendar@example.com>") {
		t.Errorf("head:\n%s", head)
	}
	if text := decode(t, head, body); !strings.Contains(text, link) || !strings.Contains(text, "Здравствуйте!") {
		t.Errorf("body:\n%s", text)
	}
}

func decode(t *testing.T, head, body string) string {
	t.Helper()
	if strings.Contains(head, "base64") {
		text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\r\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var text strings.Builder
	if _, err := bufio.NewReader(quotedprintable.NewReader(strings.NewReader(body))).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestSMTPNeedsTLSOutsideThisMachine(t *testing.T) {
	t.Parallel()
	if isLocal("mail.example.com") || isLocal("10.0.0.1") || !isLocal("127.0.0.1") || !isLocal("localhost") || !isLocal("::1") {
		t.Error("what is this machine and what is not")
	}
}

func TestSMTPAddressIsNeverQuoted(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://u:hidden@host", "smtp://u:hidden@", "smtp://u:hidden@host", "smtp://u:hidden@host?from=nobody", "smtp://u:hid den@host:x"} {
		if _, err := NewSMTP(secret.New(address)); !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "hid") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
