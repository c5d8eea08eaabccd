import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Sends as fast as it goes, as Kafka's own ProducerPerformance does: BOOTSTRAP TOPIC RECORDS SIZE. A tenth more goes
 *  before, unmeasured. Ends with 1 where a record was not taken. */
public class Produce {
    public static void main(String[] words) {
        int records = Integer.parseInt(words[2]);
        byte[] value = new byte[Integer.parseInt(words[3])];
        for (int n = 0; n < value.length; n++)
            value[n] = (byte) ('A' + n % 26);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", words[0]);
        settings.put("linger.ms", "5");
        AtomicLong failed = new AtomicLong();
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            send(producer, words[1], value, records / 10, failed);
            long begun = System.nanoTime();
            send(producer, words[1], value, records, failed);
            double seconds = (System.nanoTime() - begun) / 1e9;
            System.out.printf(java.util.Locale.ROOT, "{\"frames\": %d, \"seconds\": %.6f, \"bytes\": %d}%n", records,
                    seconds, (long) records * value.length);
        }
        System.exit(failed.get() == 0 ? 0 : 1);
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, String topic, byte[] value, int records,
            AtomicLong failed) {
        for (int n = 0; n < records; n++)
            producer.send(new ProducerRecord<>(topic, value), (told, error) -> {
                if (error != null)
                    failed.incrementAndGet();
            });
        producer.flush();
    }
}
