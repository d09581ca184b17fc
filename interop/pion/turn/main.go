// Two TURN clients of Pion talk to each other through two relays of a server. Arguments: network (udp or tcp), address, user,
// password. Prints one line of JSON.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pion/turn/v5"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func allocate(network, address, user, password string) (*turn.Client, net.PacketConn) {
	var connection net.PacketConn
	if network == "tcp" {
		stream, err := net.Dial("tcp", address)
		must(err)
		connection = turn.NewSTUNConn(stream)
	} else {
		host, _, err := net.SplitHostPort(address)
		must(err)
		connection, err = net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		must(err)
	}
	client, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: address, TURNServerAddr: address, Username: user, Password: password, Conn: connection,
	})
	must(err)
	must(client.Listen())
	relay, err := client.Allocate()
	must(err)
	return client, relay
}

func main() {
	network, address, user, password := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	first, a := allocate(network, address, user, password)
	second, b := allocate(network, address, user, password)
	must(first.CreatePermission(b.LocalAddr()))
	must(second.CreatePermission(a.LocalAddr()))
	go func() {
		buffer := make([]byte, 2000)
		for {
			length, from, err := b.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, err = b.WriteTo(buffer[:length], from)
			must(err)
		}
	}()
	const count = 200
	buffer := make([]byte, 2000)
	for n := range count {
		message := bytes.Repeat([]byte{byte(n)}, 20+n*5)
		_, err := a.WriteTo(message, b.LocalAddr())
		must(err)
		must(a.SetReadDeadline(time.Now().Add(5 * time.Second)))
		length, _, err := a.ReadFrom(buffer)
		must(err)
		if !bytes.Equal(buffer[:length], message) {
			must(fmt.Errorf("message %d came back different", n))
		}
	}
	must(a.Close())
	must(b.Close())
	must(json.NewEncoder(os.Stdout).Encode(map[string]int{"echoed": count}))
}
