import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/**
 * Everything that the Java clients can ask, step by step, with what came back: java Transcript BOOTSTRAP SUFFIX.
 *
 * SUFFIX makes all names its own; it is taken out of what is printed, so that two runs before one broker print the same.
 */
public final class Transcript {
    private final String suffix;

    private Transcript(String suffix) {
        this.suffix = suffix;
    }

    public static void main(String[] arguments) throws Exception {
        Transcript transcript = new Transcript(arguments[1]);
        try (Administer administer = new Administer(arguments[0], arguments[1])) {
            administer.topics(transcript);
            Exchange exchange = new Exchange(arguments[0], arguments[1]);
            exchange.produce(transcript);
            exchange.transactions(transcript);
            exchange.groups(transcript, administer);
            exchange.share(transcript, administer);
            administer.rest(transcript);
        }
        System.out.println("end");
    }

    /** One step: its name, and what it gave or how it failed. */
    void step(String name, Callable<Object> what) {
        System.out.println(name + ": " + told(what));
    }

    /** The same for what a broker learns from the controller a moment later: asked again until its answer has `sign`. */
    void step(String name, String sign, Callable<Object> what) {
        long until = System.nanoTime() + 20_000_000_000L;
        String told = told(what);
        while (!told.contains(sign) && System.nanoTime() < until) told = told(what);
        System.out.println(name + ": " + told);
    }

    private String told(Callable<Object> what) {
        String told;
        try {
            told = String.valueOf(what.call());
        } catch (ExecutionException | CompletionException error) {
            told = failed(error.getCause());
        } catch (Exception error) {
            told = failed(error);
        }
        return told.replace(suffix, "SUFFIX").replace('\n', ' ');
    }

    private static String failed(Throwable error) {
        return error.getClass().getSimpleName() + " " + error.getMessage();
    }
}
