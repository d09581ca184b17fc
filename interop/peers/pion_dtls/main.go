// A DTLS client or server of Pion over UDP on loopback, for ours to speak with.
//
//	pion_dtls client|server ADDRESS CERTIFICATE KEY [-cid LENGTH] [-move]
//
// One connection: it prints a line "connected" with the keying material for SRTP, says "hello from pion", prints the
// first record that comes as "received", and does the same again, the client first, with -move from another socket. A length of zero takes part in connection ids without wanting any.
package main

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
)

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// A socket that can be exchanged for another one.
type mover struct {
	sync.Mutex
	net.PacketConn
}

func socket() net.PacketConn {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(err)
	return socket
}

func (m *mover) current() net.PacketConn {
	m.Lock()
	defer m.Unlock()
	return m.PacketConn
}

func (m *mover) move() {
	m.Lock()
	former := m.PacketConn
	m.PacketConn = socket()
	m.Unlock()
	// Whoever reads there goes on with the other one.
	must(former.SetReadDeadline(time.Now()))
}

func (m *mover) ReadFrom(buf []byte) (int, net.Addr, error) {
	for {
		from := m.current()
		length, address, err := from.ReadFrom(buf)
		if err == nil || from == m.current() {
			return length, address, err
		}
	}
}

func (m *mover) WriteTo(buf []byte, to net.Addr) (int, error) {
	return m.current().WriteTo(buf, to)
}

func main() {
	role, name, files, flags := os.Args[1], os.Args[2], os.Args[3:5], os.Args[5:]
	address, err := net.ResolveUDPAddr("udp", name)
	must(err)
	certificate, err := tls.LoadX509KeyPair(files[0], files[1])
	must(err)
	config := &dtls.Config{
		Certificates:           []tls.Certificate{certificate},
		InsecureSkipVerify:     true,
		ClientAuth:             dtls.RequireAnyClientCert,
		ExtendedMasterSecret:   dtls.RequireExtendedMasterSecret,
		SRTPProtectionProfiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80},
	}
	moves := false
	for len(flags) > 0 {
		switch flags[0] {
		case "-cid":
			length, err := strconv.Atoi(flags[1])
			must(err)
			if length == 0 {
				config.ConnectionIDGenerator = dtls.OnlySendCIDGenerator()
			} else {
				config.ConnectionIDGenerator = dtls.RandomCIDGenerator(length)
			}
			flags = flags[1:]
		case "-move":
			moves = true
		}
		flags = flags[1:]
	}

	var connection *dtls.Conn
	path := &mover{}
	if role == "client" {
		path.PacketConn = socket()
		connection, err = dtls.Client(path, address, config)
		must(err)
	} else {
		listener, err := dtls.Listen("udp", address, config)
		must(err)
		fmt.Println("listening")
		accepted, err := listener.Accept()
		must(err)
		connection = accepted.(*dtls.Conn)
	}
	patience, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	must(connection.HandshakeContext(patience))
	state, ok := connection.ConnectionState()
	if !ok {
		must(fmt.Errorf("no state"))
	}
	keys, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 60)
	must(err)
	profile, _ := connection.SelectedSRTPProtectionProfile()
	fmt.Printf("connected srtp=%d exported=%s\n", profile, hex.EncodeToString(keys))

	must(connection.SetReadDeadline(time.Now().Add(15 * time.Second)))
	buf := make([]byte, 2000)
	say := func(word string) {
		_, err = connection.Write([]byte(word + " from pion\n"))
		must(err)
	}
	hear := func() {
		length, err := connection.Read(buf)
		must(err)
		fmt.Printf("received %s\n", strings.TrimSpace(string(buf[:length])))
	}
	say("hello")
	hear()
	if role == "client" {
		if moves {
			path.move()
		}
		say("again")
		hear()
	} else {
		hear()
		say("again")
	}
	time.Sleep(200 * time.Millisecond)
	_ = connection.Close()
}
