package dev.edgednq.core;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Typed fields of a JSON object; {@link #end} makes sure that all of them were asked for. */
final class JsonFields {
  private static final Pattern INTEGER = Pattern.compile("-?(0|[1-9][0-9]*)");

  private final JsonObject object;
  private final String where;
  private final TreeSet<String> unread;

  JsonFields(JsonElement element, String where) throws BundleException {
    if (!element.isJsonObject()) {
      throw new BundleException(where + " must be an object");
    }
    this.object = element.getAsJsonObject();
    this.where = where;
    this.unread = new TreeSet<>(object.keySet());
  }

  /**
   * Parses a whole text strictly: valid UTF-8, one JSON value, no comments and no trailing text.
   *
   * @throws BundleException it is anything else.
   */
  static JsonElement parse(byte[] content, String where) throws BundleException {
    try {
      String text =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
      JsonReader reader = new JsonReader(new StringReader(text));
      JsonElement element = new Gson().getAdapter(JsonElement.class).read(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new BundleException(where + " has text after its JSON");
      }
      return element;
    } catch (CharacterCodingException error) {
      throw new BundleException(where + " is not UTF-8 text", error);
    } catch (IOException | JsonParseException | StackOverflowError error) {
      throw new BundleException(where + " is not JSON", error);
    }
  }

  String string(String name) throws BundleException {
    return text(required(name), where + "." + name);
  }

  /** Returns null where the field is missing or null. */
  String stringOrNull(String name) throws BundleException {
    JsonElement element = optional(name);
    return element == null ? null : text(element, where + "." + name);
  }

  /** Returns an integer of at least {@code least}. */
  int integer(String name, int least) throws BundleException {
    return inRange(name, whole(required(name), name), least);
  }

  /** Returns an integer of at least {@code least}, which may be larger than an int. */
  long wide(String name, long least) throws BundleException {
    long value = whole(required(name), name);
    if (value < least) {
      throw new BundleException(where + "." + name + " must be at least " + least);
    }
    return value;
  }

  /** Returns {@code otherwise} where the field is missing. */
  int integerOr(String name, int least, int otherwise) throws BundleException {
    unread.remove(name);
    return object.has(name) ? inRange(name, whole(object.get(name), name), least) : otherwise;
  }

  /** Returns null where the field is missing or null. */
  Integer integerOrNull(String name) throws BundleException {
    JsonElement element = optional(name);
    return element == null
        ? null
        : Integer.valueOf(inRange(name, whole(element, name), Integer.MIN_VALUE));
  }

  double number(String name) throws BundleException {
    return real(required(name), where + "." + name);
  }

  /** Returns null where the field is missing or null. */
  Double numberOrNull(String name) throws BundleException {
    JsonElement element = optional(name);
    return element == null ? null : Double.valueOf(real(element, where + "." + name));
  }

  double[] numbers(String name, int count) throws BundleException {
    List<JsonElement> elements = array(name);
    if (elements.size() != count) {
      throw new BundleException(where + "." + name + " must have " + count + " numbers");
    }
    double[] values = new double[count];
    for (int index = 0; index < count; index++) {
      values[index] = real(elements.get(index), where + "." + name);
    }
    return values;
  }

  List<String> strings(String name) throws BundleException {
    List<String> values = new ArrayList<>();
    for (JsonElement element : array(name)) {
      values.add(text(element, where + "." + name));
    }
    return values;
  }

  int[] integers(String name, int least) throws BundleException {
    List<JsonElement> elements = array(name);
    int[] values = new int[elements.size()];
    for (int index = 0; index < values.length; index++) {
      values[index] = inRange(name, whole(elements.get(index), name), least);
    }
    return values;
  }

  /** Returns the elements of an array. */
  List<JsonElement> array(String name) throws BundleException {
    JsonElement element = required(name);
    if (!element.isJsonArray()) {
      throw new BundleException(where + "." + name + " must be a list");
    }
    JsonArray array = element.getAsJsonArray();
    List<JsonElement> elements = new ArrayList<>(array.size());
    for (JsonElement entry : array) {
      elements.add(entry);
    }
    return elements;
  }

  JsonFields object(String name) throws BundleException {
    return new JsonFields(required(name), where + "." + name);
  }

  /** Returns null where the field is missing or null. */
  JsonFields objectOrNull(String name) throws BundleException {
    JsonElement element = optional(name);
    return element == null ? null : new JsonFields(element, where + "." + name);
  }

  /** Returns the object's entries in their order; all of them count as read. */
  Iterable<Map.Entry<String, JsonElement>> entries() {
    unread.clear();
    return object.entrySet();
  }

  /** Returns the object itself. */
  JsonElement element() {
    return object;
  }

  /** Makes sure that there was no other field. */
  void end() throws BundleException {
    if (!unread.isEmpty()) {
      throw new BundleException(where + " has the unknown field " + unread.first());
    }
  }

  private JsonElement optional(String name) {
    unread.remove(name);
    JsonElement element = object.get(name);
    return element == null || element.isJsonNull() ? null : element;
  }

  private JsonElement required(String name) throws BundleException {
    JsonElement element = optional(name);
    if (element == null) {
      throw new BundleException(where + " has no " + name);
    }
    return element;
  }

  private int inRange(String name, long value, int least) throws BundleException {
    if (value < least || value > Integer.MAX_VALUE) {
      String most = value < least ? "at least " + least : "at most " + Integer.MAX_VALUE;
      throw new BundleException(where + "." + name + " must be " + most + ", got " + value);
    }
    return (int) value;
  }

  private long whole(JsonElement element, String name) throws BundleException {
    String text = isNumber(element) ? element.getAsString() : "";
    if (!INTEGER.matcher(text).matches() || text.length() > 18) {
      throw new BundleException(where + "." + name + " must be a whole number");
    }
    return Long.parseLong(text);
  }

  private static double real(JsonElement element, String where) throws BundleException {
    if (!isNumber(element)) {
      throw new BundleException(where + " must be a number");
    }
    return Double.parseDouble(element.getAsString());
  }

  private static String text(JsonElement element, String where) throws BundleException {
    if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isString()) {
      throw new BundleException(where + " must be a text");
    }
    return element.getAsString();
  }

  private static boolean isNumber(JsonElement element) {
    return element.isJsonPrimitive() && element.getAsJsonPrimitive().isNumber();
  }
}
