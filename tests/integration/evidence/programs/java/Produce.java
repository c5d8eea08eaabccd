import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * An ordinary producer: Produce BOOTSTRAP COUNT GROUP TIMEOUT_MS IDEMPOTENT TOPIC:CODEC...
 *
 * <p>Each GROUP of records goes in one batch, and the next one waits for its answer. Prints one line for each record:
 * its topic, number and offset.
 */
public class Produce {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("request.timeout.ms", arguments[3]);
        settings.put("enable.idempotence", arguments[4]);
        settings.put("linger.ms", "1000");
        settings.put("retry.backoff.ms", "50");
        for (int at = 5; at < arguments.length; at++) {
            String[] parts = arguments[at].split(":");
            settings.put("compression.type", parts[1]);
            produce(settings, parts[0], Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2]));
        }
    }

    static void produce(Properties settings, String topic, int count, int group) throws Exception {
        StringSerializer strings = new StringSerializer();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, strings, strings)) {
            List<Future<RecordMetadata>> answers = new ArrayList<>();
            for (int number = 0; number < count; number++) {
                String value = "java " + number + " " + "x".repeat(100);
                answers.add(producer.send(new ProducerRecord<>(topic, 0, Integer.toString(number), value)));
                if ((number + 1) % group == 0) {
                    producer.flush();
                }
            }
            producer.flush();
            for (int number = 0; number < count; number++) {
                System.out.println(topic + " " + number + " " + answers.get(number).get().offset());
            }
        }
    }
}
