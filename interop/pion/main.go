// Pion calls the program, whose address is the argument, and tries its data channels. Prints one line of JSON.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/pion/webrtc/v4"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(holds bool, format string, values ...any) {
	if !holds {
		must(fmt.Errorf(format, values...))
	}
}

// A channel whose messages come out of a Go channel.
type echo struct {
	*webrtc.DataChannel
	received chan webrtc.DataChannelMessage
	closed   chan struct{}
}

func open(connection *webrtc.PeerConnection, label string, init webrtc.DataChannelInit) *echo {
	if init.Protocol == nil {
		protocol := "echo"
		init.Protocol = &protocol
	}
	channel, err := connection.CreateDataChannel(label, &init)
	must(err)
	e := &echo{channel, make(chan webrtc.DataChannelMessage, 10_000), make(chan struct{})}
	channel.OnMessage(func(message webrtc.DataChannelMessage) { e.received <- message })
	channel.OnClose(func() { close(e.closed) })
	return e
}

func (e *echo) waitOpen() {
	for end := time.Now().Add(30 * time.Second); e.ReadyState() != webrtc.DataChannelStateOpen; time.Sleep(time.Millisecond) {
		check(time.Now().Before(end), "%s did not open", e.Label())
	}
}

func (e *echo) next(what string) webrtc.DataChannelMessage {
	select {
	case message := <-e.received:
		return message
	case <-time.After(60 * time.Second):
		check(false, "%s: no %s came back", e.Label(), what)
	}
	panic("unreachable")
}

func (e *echo) waitClosed() {
	select {
	case <-e.closed:
	case <-time.After(30 * time.Second):
		check(false, "%s did not close", e.Label())
	}
}

func pattern(size, seed int) []byte {
	data := make([]byte, size)
	for at := range data {
		data[at] = byte(at*31 + seed)
	}
	return data
}

func main() {
	url := os.Args[1]
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	connection, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	must(err)
	first := open(connection, "first", webrtc.DataChannelInit{})

	offer, err := connection.CreateOffer(nil)
	must(err)
	gathered := webrtc.GatheringCompletePromise(connection)
	must(connection.SetLocalDescription(offer))
	<-gathered
	body, err := json.Marshal(map[string]string{"sdp": connection.LocalDescription().SDP})
	must(err)
	response, err := http.Post(url+"calls", "application/json", bytes.NewReader(body))
	must(err)
	text, err := io.ReadAll(response.Body)
	must(err)
	var answer struct{ Sdp, Error string }
	must(json.Unmarshal(text, &answer))
	check(response.StatusCode == http.StatusOK, "%s", answer.Error)
	must(connection.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.Sdp}))
	first.waitOpen()

	// Every kind and size, and 10 MB.
	sizes := []int{1, 100, 1_200, 16_384, 65_535}
	for range 160 {
		sizes = append(sizes, 65_535)
	}
	go func() {
		must(first.SendText(""))
		must(first.Send(nil))
		must(first.SendText("grüße 🦀"))
		for n, size := range sizes {
			for first.BufferedAmount() > 1_000_000 {
				time.Sleep(time.Millisecond)
			}
			must(first.Send(pattern(size, n)))
		}
	}()
	message := first.next("empty text")
	check(message.IsString && len(message.Data) == 0, "an empty text came back as %v", message)
	message = first.next("nothing")
	check(!message.IsString && len(message.Data) == 0, "nothing came back as %v", message)
	message = first.next("text")
	check(message.IsString && string(message.Data) == "grüße 🦀", "text came back as %v", message)
	bytesEchoed := 0
	for n, size := range sizes {
		message = first.next("message")
		check(bytes.Equal(message.Data, pattern(size, n)), "message %d came back different", n)
		bytesEchoed += size
	}

	// Every reliability, and channels that close from either side.
	no, yes, none, life, once := false, true, uint16(0), uint16(500), "echo once"
	kinds := []webrtc.DataChannelInit{
		{Ordered: &no}, {Ordered: &yes, MaxRetransmits: &none}, {Ordered: &no, MaxRetransmits: &none},
		{Ordered: &no, MaxPacketLifeTime: &life}, {Protocol: &once},
	}
	rounds := 0
	for range 4 {
		for n, kind := range kinds {
			channel := open(connection, fmt.Sprintf("kind %d", n), kind)
			channel.waitOpen()
			must(channel.SendText("hello"))
			check(string(channel.next("hello").Data) == "hello", "kind %d", n)
			if kind.Protocol != &once {
				must(channel.Close())
			}
			channel.waitClosed()
			rounds++
		}
	}
	must(connection.Close())
	fmt.Printf("{\"bytes\":%d,\"channels\":%d}\n", bytesEchoed, rounds)
}
