// An ordinary producer with franz-go: produce BOOTSTRAP COUNT GROUP TIMEOUT_MS IDEMPOTENT TOPIC:CODEC...
//
// Each GROUP of records goes in one batch, and the next one waits for its answer. With EVENT_TIMES in the environment
// records carry the times of their events, the same in every run. Prints one line for each record: its topic, number
// and offset.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func main() {
	timeout := time.Duration(number(os.Args[4])) * time.Millisecond
	for _, wanted := range os.Args[6:] {
		topic, codec, _ := strings.Cut(wanted, ":")
		options := []kgo.Opt{
			kgo.SeedBrokers(os.Args[1]),
			kgo.ProducerBatchCompression(codecs[codec]),
			kgo.ProduceRequestTimeout(timeout),
			kgo.RequestTimeoutOverhead(timeout),
			kgo.MetadataMinAge(100 * time.Millisecond),
			kgo.ManualFlushing(),
			kgo.RecordPartitioner(kgo.ManualPartitioner()),
		}
		if os.Args[5] == "false" {
			options = append(options, kgo.DisableIdempotentWrite())
		}
		produce(options, topic, number(os.Args[2]), number(os.Args[3]))
	}
}

func produce(options []kgo.Opt, topic string, count, group int) {
	client, err := kgo.NewClient(options...)
	check(err)
	defer client.Close()
	records := make([]*kgo.Record, count)
	for i := range records {
		records[i] = &kgo.Record{
			Topic: topic,
			Key:   []byte(strconv.Itoa(i)),
			Value: []byte(fmt.Sprintf("go %d %s", i, strings.Repeat("x", 100))),
		}
		if os.Getenv("EVENT_TIMES") != "" {
			records[i].Timestamp = time.UnixMilli(1_700_000_000_000 + int64(i))
		}
		client.Produce(context.Background(), records[i], func(_ *kgo.Record, err error) { check(err) })
		if (i+1)%group == 0 {
			check(client.Flush(context.Background()))
		}
	}
	check(client.Flush(context.Background()))
	for i, record := range records {
		fmt.Println(topic, i, record.Offset)
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
