import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.igniterealtime.smack.inttest.AbstractSmackLowLevelIntegrationTest;
import org.igniterealtime.smack.inttest.Configuration;
import org.igniterealtime.smack.inttest.FailedTest;
import org.igniterealtime.smack.inttest.SmackIntegrationTestFramework;
import org.igniterealtime.smack.inttest.SmackIntegrationTestFramework.TestRunResult;
import org.igniterealtime.smack.inttest.SuccessfulTest;
import org.igniterealtime.smack.inttest.TestNotPossible;
import org.igniterealtime.smack.inttest.TestResult;
import org.igniterealtime.smack.inttest.annotations.SmackIntegrationTest;
import org.igniterealtime.smack.inttest.annotations.SpecificationReference;
import org.jivesoftware.smack.Smack;
import org.reflections.Reflections;

/**
 * Runs the tests that are on the class path and writes a JSON object for each, a line each.
 *
 * Started as `java … Runner.java CERTIFICATE STORE RESULTS KNOWN…`: the certificate of the server (PEM), where a store
 * with it goes, so that Smack verifies it, the file for the results, and tests that are known to fail (Class.method). The
 * rest is said in properties (sinttest.…).
 */
public final class Runner {
    private static final String[] PACKAGES = {
        "org.jivesoftware.smackx", "org.jivesoftware.smack", "org.igniterealtime.smackx", "org.igniterealtime.smack"
    };

    public static void main(String[] args) throws Exception {
        trust(args[0], args[1]);
        List<String> known = Arrays.asList(args).subList(3, args.length);
        List<TestRunResult> runs = runAll();
        try (PrintStream out = new PrintStream(new FileOutputStream(args[2]), false, StandardCharsets.UTF_8)) {
            out.println(object("smack", Smack.getVersion()));
            for (TestRunResult run : runs) write(out, run, known);
        }
        // Smack leaves threads behind.
        System.exit(0);
    }

    /**
     * Tests that make accounts of their own come first: Smack makes them on a connection without a login, which a server
     * need not keep open for long.
     */
    private static List<TestRunResult> runAll() throws Exception {
        if (System.getProperty("sinttest.enabledTests") != null) return List.of(run());
        String lowLevel = new Reflections((Object[]) PACKAGES)
            .getSubTypesOf(AbstractSmackLowLevelIntegrationTest.class).stream()
            .filter(type -> !Modifier.isAbstract(type.getModifiers()))
            .map(Class::getName)
            .collect(Collectors.joining(","));
        System.setProperty("sinttest.enabledTests", lowLevel);
        TestRunResult first = run();
        System.clearProperty("sinttest.enabledTests");
        System.setProperty("sinttest.disabledTests", lowLevel);
        TestRunResult second = run();
        System.clearProperty("sinttest.disabledTests");
        return List.of(first, second);
    }

    private static TestRunResult run() throws Exception {
        return new SmackIntegrationTestFramework(Configuration.newConfiguration(new String[0])).run();
    }

    private static void write(PrintStream out, TestRunResult run, List<String> known) throws Exception {
        for (SuccessfulTest test : run.getSuccessfulTests()) out.println(line(test, "passed", null, null));
        for (FailedTest test : run.getFailedTests()) out.println(known.contains(nameOf(test)) ? failure(test) : again(test));
        for (TestNotPossible test : run.getNotPossibleTests())
            out.println(line(test, "impossible", test.testNotPossibleException, null));
        run.getImpossibleTestClasses().forEach((type, reason) -> {
            for (Method method : type.getMethods())
                if (method.isAnnotationPresent(SmackIntegrationTest.class))
                    out.println(line(method, type.getSimpleName() + '.' + method.getName(), 0, "impossible", reason, null));
        });
    }

    /** Classes come in an order of chance, and some leave subscriptions for the next one to find: alone it tells the truth. */
    private static String again(FailedTest failed) throws Exception {
        Method method = failed.concreteTest.getMethod();
        System.setProperty("sinttest.enabledTests", method.getDeclaringClass().getName() + '.' + method.getName());
        for (SuccessfulTest test : run().getSuccessfulTests())
            if (test.concreteTest.toString().equals(failed.concreteTest.toString()))
                return line(test, "passed", null, failed.failureReason);
        return failure(failed);
    }

    private static String failure(FailedTest test) {
        return line(test, "failed", test.failureReason, null);
    }

    private static String nameOf(TestResult test) {
        Method method = test.concreteTest.getMethod();
        return method.getDeclaringClass().getSimpleName() + '.' + method.getName();
    }

    private static void trust(String certificate, String path) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (FileInputStream in = new FileInputStream(certificate)) {
            store.setCertificateEntry("server", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        try (FileOutputStream out = new FileOutputStream(path)) {
            store.store(out, "no secret".toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", path);
        System.setProperty("javax.net.ssl.trustStorePassword", "no secret");
        System.setProperty("javax.net.ssl.trustStoreType", "PKCS12");
    }

    private static String line(TestResult test, String result, Throwable reason, Throwable before) {
        return line(test.concreteTest.getMethod(), test.concreteTest.toString(), test.duration, result, reason, before);
    }

    private static String line(
        Method method, String name, long duration, String result, Throwable reason, Throwable before) {
        SpecificationReference specification = method.getDeclaringClass().getAnnotation(SpecificationReference.class);
        SmackIntegrationTest test = method.getAnnotation(SmackIntegrationTest.class);
        return object(
            "name", name,
            "result", result,
            "milliseconds", String.valueOf(duration),
            "document", specification == null ? "" : specification.document(),
            "section", test.section(),
            "quote", test.quote(),
            "reason", words(reason),
            "before", words(before));
    }

    private static String words(Throwable reason) {
        return reason == null ? "" : reason.getClass().getSimpleName() + ": " + reason.getMessage();
    }

    private static String object(String... namesAndValues) {
        StringBuilder json = new StringBuilder("{");
        for (int i = 0; i < namesAndValues.length; i += 2) {
            if (i > 0) json.append(',');
            json.append(text(namesAndValues[i])).append(':').append(text(namesAndValues[i + 1]));
        }
        return json.append('}').toString();
    }

    private static String text(String value) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') json.append('\\').append(c);
            else if (c < ' ') json.append(String.format("\\u%04x", (int) c));
            else json.append(c);
        }
        return json.append('"').toString();
    }
}
