import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What producers and consumers do. */
final class Exchange {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private final String bootstrap;
    private final String suffix;
    private final String topic;

    Exchange(String bootstrap, String suffix) {
        this.bootstrap = bootstrap;
        this.suffix = suffix;
        this.topic = "topic-" + suffix;
    }

    private Producer<byte[], byte[]> producer(Object... settings) {
        Map<String, Object> config = config(settings);
        config.put("key.serializer", ByteArraySerializer.class);
        config.put("value.serializer", ByteArraySerializer.class);
        return new KafkaProducer<>(config);
    }

    private Consumer<byte[], byte[]> consumer(Object... settings) {
        Map<String, Object> config = config(settings);
        config.putIfAbsent("auto.offset.reset", "earliest");
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private Map<String, Object> config(Object... settings) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap));
        for (int at = 0; at < settings.length; at += 2) config.put((String) settings[at], settings[at + 1]);
        return config;
    }

    private ProducerRecord<byte[], byte[]> record(int partition, long time, String key, int size) {
        byte[] value = new byte[size];
        java.util.Arrays.fill(value, (byte) key.charAt(0));
        ProducerRecord<byte[], byte[]> made = new ProducerRecord<>(topic, partition, time, bytes(key), value);
        made.headers().add("one", bytes("1")).add("none", null);
        return made;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    void produce(Transcript transcript) {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd"))
            transcript.step("produce " + codec, () -> {
                try (Producer<byte[], byte[]> producer = producer("compression.type", codec, "linger.ms", 50)) {
                    List<Future<RecordMetadata>> sent = new ArrayList<>();
                    for (int at = 0; at < 20; at++) sent.add(producer.send(record(at % 2, 1000 + at, codec + at, 200)));
                    List<String> told = new ArrayList<>();
                    for (Future<RecordMetadata> each : sent) told.add(each.get().partition() + "@" + each.get().offset());
                    return told;
                }
            });
        for (String acks : List.of("0", "1", "all"))
            transcript.step("produce acks=" + acks, () -> {
                try (Producer<byte[], byte[]> producer = producer("acks", acks, "enable.idempotence", false)) {
                    Future<RecordMetadata> sent = producer.send(record(2, 3000, "acks" + acks, 10));
                    producer.flush();
                    return sent.get().offset();
                }
            });
        transcript.step("produce a large one", () -> {
            try (Producer<byte[], byte[]> producer = producer("max.request.size", 3_000_000)) {
                return producer.send(record(3, 4000, "large", 1_900_000)).get().offset();
            }
        });
        transcript.step("produce one that is too large", () -> {
            try (Producer<byte[], byte[]> producer = producer("max.request.size", 3_000_000)) {
                return producer.send(record(3, 4000, "large", 2_900_000)).get().offset();
            }
        });
        transcript.step("produce to no topic", () -> {
            try (Producer<byte[], byte[]> producer = producer("max.block.ms", 1000)) {
                return producer.send(new ProducerRecord<>("no-" + suffix, bytes("x"))).get();
            }
        });
    }

    void transactions(Transcript transcript) {
        transcript.step("transactions", () -> {
            try (Producer<byte[], byte[]> producer = producer("transactional.id", "transaction-" + suffix)) {
                producer.initTransactions();
                for (String how : List.of("committed", "aborted", "offsets")) {
                    producer.beginTransaction();
                    producer.send(record(2, 5000, how, 10));
                    producer.send(record(3, 5000, how, 10));
                    producer.flush();
                    if (how.equals("offsets"))
                        producer.sendOffsetsToTransaction(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(7)),
                            new ConsumerGroupMetadata("classic-" + suffix, -1, "", java.util.Optional.empty()));
                    if (how.equals("aborted")) producer.abortTransaction();
                    else producer.commitTransaction();
                }
                return "done";
            }
        });
        transcript.step("a fenced producer", () -> {
            try (Producer<byte[], byte[]> one = producer("transactional.id", "fenced-" + suffix);
                Producer<byte[], byte[]> other = producer("transactional.id", "fenced-" + suffix)) {
                one.initTransactions();
                other.initTransactions();
                one.beginTransaction();
                one.send(record(2, 6000, "fenced", 10));
                one.flush(); // the refusal is there, and the commit fails by it
                one.commitTransaction();
                return "not fenced";
            } catch (KafkaException error) {
                return error.getClass().getSimpleName(); // its words are others if the client heard of it in between
            }
        });
        for (String isolation : List.of("read_committed", "read_uncommitted"))
            transcript.step(isolation, () -> {
                try (Consumer<byte[], byte[]> consumer = consumer("isolation.level", isolation)) {
                    List<TopicPartition> places = List.of(new TopicPartition(topic, 2), new TopicPartition(topic, 3));
                    consumer.assign(places);
                    consumer.seekToBeginning(places);
                    return read(consumer, consumer.endOffsets(places));
                }
            });
    }

    void groups(Transcript transcript, Administer administer) {
        for (String protocol : List.of("classic", "consumer")) {
            String group = protocol + "-" + suffix;
            transcript.step("a " + protocol + " group", () -> {
                try (Consumer<byte[], byte[]> consumer = consumer("group.id", group, "group.protocol", protocol)) {
                    consumer.subscribe(List.of(topic));
                    List<TopicPartition> places = new ArrayList<>();
                    for (int partition = 0; partition < 4; partition++) places.add(new TopicPartition(topic, partition));
                    List<String> found = read(consumer, consumer.endOffsets(places));
                    consumer.commitSync();
                    return found + " " + consumer.committed(new java.util.HashSet<>(places)).size() + " " + consumer.groupMetadata().groupId();
                }
            });
            transcript.step("two members of a " + protocol + " group", () -> {
                Object[] settings = {"group.id", "two-" + group, "group.protocol", protocol};
                try (Consumer<byte[], byte[]> one = consumer(settings); Consumer<byte[], byte[]> other = consumer(settings)) {
                    one.subscribe(Pattern.compile("topic-" + suffix));
                    other.subscribe(Pattern.compile("topic-" + suffix));
                    long until = System.nanoTime() + PATIENCE.toNanos();
                    while ((one.assignment().size() != 2 || other.assignment().size() != 2) && System.nanoTime() < until) {
                        one.poll(Duration.ofMillis(50));
                        other.poll(Duration.ofMillis(50));
                    }
                    return one.assignment().size() + " and " + other.assignment().size();
                }
            });
        }
        transcript.step("a pattern that the broker reads", () -> {
            try (Consumer<byte[], byte[]> consumer = consumer("group.id", "pattern-" + suffix, "group.protocol", "consumer")) {
                consumer.subscribe(new SubscriptionPattern("topic-" + suffix));
                long until = System.nanoTime() + PATIENCE.toNanos();
                while (consumer.assignment().size() != 4 && System.nanoTime() < until) consumer.poll(Duration.ofMillis(50));
                return consumer.assignment().size();
            }
        });
        transcript.step("offsetsForTimes", () -> {
            try (Consumer<byte[], byte[]> consumer = consumer()) {
                TopicPartition first = new TopicPartition(topic, 0);
                return consumer.offsetsForTimes(Map.of(first, 1004L)) + " " + consumer.partitionsFor(topic).size();
            }
        });
    }

    /** Reads until all of these positions are reached. */
    private static List<String> read(Consumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
        Map<String, String> found = new TreeMap<>();
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < until) {
            for (ConsumerRecord<byte[], byte[]> each : consumer.poll(Duration.ofMillis(100)))
                found.put(String.format("%d@%05d", each.partition(), each.offset()),
                    each.timestamp() + " " + new String(each.key(), StandardCharsets.UTF_8) + " " + each.value().length + " "
                    + each.headers().toArray().length);
            if (consumer.assignment().containsAll(ends.keySet())
                && ends.entrySet().stream().allMatch(each -> consumer.position(each.getKey()) >= each.getValue())) break;
        }
        return found.entrySet().stream().map(String::valueOf).toList();
    }

    void share(Transcript transcript, Administer administer) {
        String group = "share-" + suffix;
        transcript.step("a share group", () -> {
            administer.shareFromTheStart(group);
            Map<String, Object> config = config("group.id", group, "share.acknowledgement.mode", "explicit", "max.poll.records", 500);
            try (ShareConsumer<byte[], byte[]> consumer = new KafkaShareConsumer<>(config, new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
                consumer.subscribe(List.of(topic));
                Map<String, Integer> seen = new TreeMap<>();
                long until = System.nanoTime() + PATIENCE.toNanos();
                while (seen.values().stream().filter(count -> count > 0).count() < 100 && System.nanoTime() < until) {
                    for (ConsumerRecord<byte[], byte[]> each : consumer.poll(Duration.ofMillis(100))) {
                        boolean release = each.offset() == 3 && each.deliveryCount().get() == 1;
                        consumer.acknowledge(each, release ? AcknowledgeType.RELEASE : AcknowledgeType.ACCEPT);
                        if (each.partition() < 2 && !release) seen.put(each.partition() + "@" + each.offset(), (int) each.deliveryCount().get());
                    }
                    consumer.commitSync();
                }
                return seen.size() + " " + seen.get("0@3") + " " + seen.get("1@3") + " " + seen.get("0@4");
            }
        });
    }
}
