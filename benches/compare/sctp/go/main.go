// Pion: two connections in one process over loopback. Prints a line of the table.
package main

import (
	"fmt"
	"os"
	"sort"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/webrtc/v4"
)

// As the other contestants: rounds after one to warm up, and what may be buffered before a sender waits.
const (
	rounds     = 5
	sendBuffer = 1 << 20
)

type size struct{ bytes, count int }

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func cpu() time.Duration {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings))
	a, err := api.NewPeerConnection(webrtc.Configuration{})
	must(err)
	b, err := api.NewPeerConnection(webrtc.Configuration{})
	must(err)

	var received, wanted atomic.Int64
	all := make(chan struct{}, 1)
	b.OnDataChannel(func(channel *webrtc.DataChannel) {
		channel.OnMessage(func(webrtc.DataChannelMessage) {
			if received.Add(1) == wanted.Load() {
				all <- struct{}{}
			}
		})
	})
	ours, err := a.CreateDataChannel("data", nil)
	must(err)
	open := make(chan struct{})
	ours.OnOpen(func() { close(open) })
	room := make(chan struct{}, 1)
	ours.SetBufferedAmountLowThreshold(sendBuffer / 2)
	ours.OnBufferedAmountLow(func() {
		select {
		case room <- struct{}{}:
		default:
		}
	})

	offer, err := a.CreateOffer(nil)
	must(err)
	gathered := webrtc.GatheringCompletePromise(a)
	must(a.SetLocalDescription(offer))
	<-gathered
	must(b.SetRemoteDescription(*a.LocalDescription()))
	answer, err := b.CreateAnswer(nil)
	must(err)
	gathered = webrtc.GatheringCompletePromise(b)
	must(b.SetLocalDescription(answer))
	<-gathered
	must(a.SetRemoteDescription(*b.LocalDescription()))
	select {
	case <-open:
	case <-time.After(20 * time.Second):
		must(fmt.Errorf("no connection"))
	}

	var seconds []float64
	sizes := []size{{65_536, 128}, {100, 10_000}}
	for _, one := range sizes {
		message := make([]byte, one.bytes)
		var times []float64
		for round := 0; round <= rounds; round++ {
			received.Store(0)
			wanted.Store(int64(one.count))
			start := cpu()
			for sent := 0; sent < one.count; sent++ {
				for ours.BufferedAmount() > sendBuffer {
					<-room
				}
				must(ours.Send(message))
			}
			<-all
			if round > 0 {
				times = append(times, (cpu() - start).Seconds())
			}
		}
		sort.Float64s(times)
		seconds = append(seconds, times[len(times)/2])
	}
	large, small := seconds[0], seconds[1]
	fmt.Printf("| over loopback | Pion | %.0f | %.0f | %.2f | %.3f | own |\n",
		float64(sizes[0].bytes*sizes[0].count)/1e6/large, float64(sizes[1].count)/small,
		large/float64(sizes[0].count)*1e6, small/float64(sizes[1].count)*1e6)
	must(a.Close())
	must(b.Close())
}
