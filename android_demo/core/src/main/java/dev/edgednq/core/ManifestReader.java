package dev.edgednq.core;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Reads manifest.json as strictly as the Python package does. */
final class ManifestReader {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final List<Integer> BITS = Arrays.asList(32, 8, 4, 2);

  private ManifestReader() {}

  /**
   * Reads and checks a manifest.
   *
   * @param content the file.
   * @param where its name for messages.
   * @throws BundleException malformed, of an unknown version or inconsistent.
   */
  static Manifest read(byte[] content, String where) throws BundleException {
    JsonFields fields = new JsonFields(JsonFields.parse(content, where), where);
    int version = fields.integer("schema_version", 0);
    if (version != Manifest.SCHEMA_VERSION) {
      throw new BundleException(
          where + " has schema version " + version + ", this app reads " + Manifest.SCHEMA_VERSION
              + ": export the bundle again, or update the app");
    }
    Manifest manifest = manifest(fields);
    fields.end();
    String problem = ManifestChecks.firstProblem(manifest);
    if (problem != null) {
      throw new BundleException(where + ": " + problem);
    }
    return manifest;
  }

  private static Manifest manifest(JsonFields fields) throws BundleException {
    JsonFields policy = fields.objectOrNull("policy");
    List<ActionSpec> actions = new ArrayList<>();
    for (JsonElement element : fields.array("actions")) {
      actions.add(action(new JsonFields(element, "actions[" + actions.size() + "]")));
    }
    List<ProgramSpec> programs = new ArrayList<>();
    for (JsonElement element : fields.array("programs")) {
      programs.add(program(new JsonFields(element, "programs[" + programs.size() + "]")));
    }
    return new Manifest(
        fields.string("name"),
        fields.string("created_by"),
        Collections.unmodifiableList(fields.strings("labels")),
        fields.integer("clip_frames", 1),
        input(fields.object("input")),
        policy == null ? null : policy(policy),
        Collections.unmodifiableList(actions),
        Collections.unmodifiableList(programs),
        file(fields.object("golden"), "golden"));
  }

  private static InputSpec input(JsonFields fields) throws BundleException {
    InputSpec input =
        new InputSpec(
            fields.integer("height", 1),
            fields.integer("width", 1),
            fields.numbers("mean", 3),
            fields.numbers("std", 3));
    only(fields.stringOrNull("color"), "rgb", "input.color");
    only(fields.stringOrNull("resize"), "short_side_center_crop", "input.resize");
    fields.end();
    return input;
  }

  private static void only(String given, String known, String where) throws BundleException {
    if (given != null && !given.equals(known)) {
      throw new BundleException(where + " must be " + known + ", got " + given);
    }
  }

  private static PolicySpec policy(JsonFields fields) throws BundleException {
    PolicySpec policy =
        new PolicySpec(
            fields.wide("macs", 1),
            tensors(fields, "inputs", 4),
            tensors(fields, "outputs", 3),
            files(fields.object("files"), "policy"));
    fields.end();
    return policy;
  }

  /** Returns three tensors, or up to {@code most}. */
  private static List<TensorSpec> tensors(JsonFields fields, String name, int most)
      throws BundleException {
    List<TensorSpec> tensors = new ArrayList<>();
    for (JsonElement element : fields.array(name)) {
      tensors.add(tensor(new JsonFields(element, "policy." + name)));
    }
    if (tensors.size() < 3 || tensors.size() > most) {
      throw new BundleException(
          "policy." + name + " must be 3 to " + most + " tensors, got " + tensors.size());
    }
    return Collections.unmodifiableList(tensors);
  }

  private static ActionSpec action(JsonFields fields) throws BundleException {
    ActionSpec action =
        new ActionSpec(
            fields.string("name"), fields.stringOrNull("program"), fields.integerOr("skip", 0, 0));
    fields.end();
    return action;
  }

  private static ProgramSpec program(JsonFields fields) throws BundleException {
    String name = fields.string("name");
    ProgramSpec program =
        new ProgramSpec(
            name,
            bits(fields, "weight_bits"),
            bits(fields, "activation_bits"),
            fields.wide("macs", 1),
            tensor(fields.object("input")),
            tensor(fields.object("output")),
            files(fields.object("files"), name));
    fields.end();
    return program;
  }

  private static int bits(JsonFields fields, String name) throws BundleException {
    int bits = fields.integer(name, 0);
    if (!BITS.contains(bits)) {
      throw new BundleException(name + " must be one of " + BITS + ", got " + bits);
    }
    return bits;
  }

  private static TensorSpec tensor(JsonFields fields) throws BundleException {
    String dtype = fields.string("dtype");
    TensorSpec.Type type = null;
    for (TensorSpec.Type known : TensorSpec.Type.values()) {
      type = known.text.equals(dtype) ? known : type;
    }
    if (type == null) {
      throw new BundleException("a tensor must be int8 or float32, got " + dtype);
    }
    TensorSpec tensor =
        new TensorSpec(
            fields.string("name"),
            fields.integers("shape", 1),
            type,
            fields.numberOrNull("scale"),
            fields.integerOrNull("zero_point"));
    fields.end();
    return tensor;
  }

  private static Map<String, FileSpec> files(JsonFields fields, String owner)
      throws BundleException {
    Map<String, FileSpec> files = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> entry : fields.entries()) {
      String where = "file " + entry.getKey() + " of " + owner;
      files.put(entry.getKey(), file(new JsonFields(entry.getValue(), where), where));
    }
    return Collections.unmodifiableMap(files);
  }

  private static FileSpec file(JsonFields fields, String where) throws BundleException {
    FileSpec file =
        new FileSpec(fields.string("file"), fields.wide("bytes", 1), fields.string("sha256"));
    fields.end();
    if (!SHA256.matcher(file.sha256).matches()) {
      throw new BundleException("sha256 of " + where + " must be 64 hexadecimal digits");
    }
    return file;
  }
}
