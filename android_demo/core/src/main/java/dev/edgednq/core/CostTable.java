package dev.edgednq.core;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.text.SimpleDateFormat;
import java.util.Arrays;
import java.util.Date;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.TreeSet;

/**
 * What a bundle's programs cost on one device: a JSON file beside the bundle, of the schema that the
 * Python package reads and writes.
 */
public final class CostTable {
  private static final int SCHEMA_VERSION = 1;
  private static final long MAX_BYTES = 16L << 20;
  private static final int MAX_NAME = 180;

  /** What was measured. */
  public final ThreadCosts costs;

  private final File path;
  private final JsonObject document;

  private CostTable(ThreadCosts costs, File path, JsonObject document) {
    this.costs = costs;
    this.path = path;
    this.document = document;
  }

  /**
   * Makes a table.
   *
   * @param session what was measured.
   * @param device where.
   * @param frameHeight rows of the frames that were given.
   * @param frameWidth pixels of their rows.
   * @param epochMillis when, as {@code System.currentTimeMillis} counts.
   */
  public static CostTable of(
      Session session,
      DeviceInfo device,
      ThreadCosts costs,
      int frameHeight,
      int frameWidth,
      long epochMillis) {
    SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'+00:00'", Locale.ROOT);
    format.setTimeZone(TimeZone.getTimeZone("UTC"));
    JsonObject document = new JsonObject();
    document.addProperty("schema_version", SCHEMA_VERSION);
    document.addProperty("created", format.format(new Date(epochMillis)));
    document.addProperty("name", session.bundle().manifest.name);
    document.add("subject", subject(session, device));
    JsonArray frame = new JsonArray();
    frame.add(frameHeight);
    frame.add(frameWidth);
    document.add("source_frame", frame);
    JsonArray threads = new JsonArray();
    threads.add(CostJson.write(costs));
    document.add("threads", threads);
    return new CostTable(costs, path(session, device), document);
  }

  /** Returns the table that holds for the session on this device, or null where there is none. */
  public static CostTable find(Session session, DeviceInfo device) {
    File[] files = folder(session.bundle()).listFiles();
    if (files == null) {
      return null;
    }
    Arrays.sort(files);
    JsonObject wanted = subject(session, device);
    for (File file : files) {
      if (file.getName().endsWith(".json")) {
        CostTable table = readIfItHolds(file, wanted, session);
        if (table != null) {
          return table;
        }
      }
    }
    return null;
  }

  private static CostTable readIfItHolds(File file, JsonObject subject, Session session) {
    try (InputStream stream = new FileInputStream(file)) {
      String where = file.getName();
      JsonFields fields =
          new JsonFields(JsonFields.parse(Streams.readAll(stream, MAX_BYTES), where), where);
      if (fields.integer("schema_version", 0) != SCHEMA_VERSION) {
        return null;
      }
      JsonObject document = fields.element().getAsJsonObject();
      ThreadCosts costs = CostJson.read(fields, session.loader().threads());
      boolean holds =
          subject.equals(document.get("subject"))
              && costs != null
              && isComplete(costs, session.bundle().manifest);
      return holds ? new CostTable(costs, file, document) : null;
    } catch (IOException | BundleException error) {
      // A table that cannot be read is none: the costs are measured anew.
      return null;
    }
  }

  private static boolean isComplete(ThreadCosts costs, Manifest manifest) {
    boolean complete = !costs.actions.isEmpty();
    for (ProgramSpec program : manifest.programs) {
      complete &= costs.programs.containsKey(program.name);
    }
    return complete;
  }

  /** Returns the file's content. */
  public String json() {
    return new GsonBuilder().setPrettyPrinting().serializeNulls().create().toJson(document) + "\n";
  }

  /**
   * Writes the table beside the bundle.
   *
   * @return its file, in the folder {@code <bundle>.costs}.
   * @throws EdgeDnqException the storage refuses; an earlier table is as before.
   */
  public File write() throws EdgeDnqException {
    File partial = new File(path.getPath() + ".partial");
    try {
      File folder = path.getParentFile();
      if (!folder.isDirectory() && !folder.mkdirs()) {
        throw new IOException("the storage refuses to make " + folder);
      }
      try (OutputStream stream = new FileOutputStream(partial)) {
        stream.write(json().getBytes(StandardCharsets.UTF_8));
      }
      if (!partial.renameTo(path)) {
        throw new IOException("the storage refuses to make " + path);
      }
    } catch (IOException error) {
      partial.delete();
      throw new EdgeDnqException("cannot write the cost table: " + error.getMessage(), error);
    }
    return path;
  }

  private static JsonObject subject(Session session, DeviceInfo device) {
    JsonObject kernels = new JsonObject();
    for (Map.Entry<String, KernelUse> entry : session.kernels().entrySet()) {
      kernels.addProperty(entry.getKey(), entry.getValue().name());
    }
    JsonObject subject = new JsonObject();
    subject.addProperty("bundle", ManifestDigest.of(session.bundle().manifest));
    subject.addProperty("device", device.device);
    subject.addProperty("cpu", device.cpu);
    subject.addProperty("architecture", device.architecture);
    subject.addProperty("runtime", session.loader().runtime());
    subject.add("kernels", kernels);
    subject.addProperty("edge_dnq", session.loader().version());
    return subject;
  }

  private static File folder(Bundle bundle) {
    return new File(bundle.folder.getAbsoluteFile().getPath() + ".costs");
  }

  private static File path(Session session, DeviceInfo device) {
    TreeSet<String> sets = new TreeSet<>();
    for (KernelUse use : session.kernels().values()) {
      sets.add(use.isa == null ? use.name() : use.isa);
    }
    StringBuilder isas = new StringBuilder();
    for (String isa : sets) {
      isas.append(isas.length() == 0 ? "" : "+").append(isa);
    }
    String name = slug(device.device) + "_" + slug(device.cpu) + "_"
        + slug(session.loader().runtime()) + "_" + slug(isas.toString());
    String digest = ManifestDigest.of(session.bundle().manifest).substring(0, 12);
    String shortened = name.substring(0, Math.min(name.length(), MAX_NAME));
    return new File(folder(session.bundle()), shortened + "_" + digest + ".json");
  }

  private static String slug(String words) {
    return words.replaceAll("[^A-Za-z0-9.+]+", "-").replaceAll("^-+|-+$", "");
  }
}
