package dev.edgednq.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Random;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public final class BundleTest {
  @Rule public final TemporaryFolder temporary = new TemporaryFolder();

  @Test
  public void aWholeBundleIsRead() throws Exception {
    TestBundle copy = new TestBundle(temporary);
    Bundle bundle = Bundle.load(copy.folder);
    Manifest manifest = bundle.manifest;
    assertEquals("odd \"one\"\tof two \u20ac", manifest.name);
    assertEquals(Arrays.asList("bow", "clap", "kick", "squat", "wave"), manifest.labels);
    ProgramSpec full = manifest.programs.get(0);
    assertEquals(32, full.weightBits);
    assertEquals(TensorSpec.Type.FLOAT32, full.output.type);
    assertNull(full.output.scale);
    assertEquals(0.0173, manifest.program("w4a4r23").input.scale, 0.0);
    assertEquals(-9, (int) manifest.program("w4a4r23").input.zeroPoint);
    assertTrue(manifest.policy.hasContext());
    assertEquals(3, manifest.actions.get(3).skip);
    assertEquals(58.395, manifest.input.std[0], 0.0);
    FileSpec spec = full.files.get(Bundle.RUNTIME);
    assertEquals(spec.bytes, bundle.read(spec).length);
  }

  @Test
  public void whatChangesAfterLoadingIsNoticed() throws Exception {
    TestBundle copy = new TestBundle(temporary);
    Bundle bundle = Bundle.load(copy.folder);
    copy.write("low.tflite", new byte[(int) bundle.manifest.files().get(1).bytes]);
    try {
      bundle.read(bundle.manifest.files().get(1));
      fail("a changed file was read");
    } catch (BundleException error) {
      assertTrue(error.getMessage(), error.getMessage().contains("sha256"));
    }
  }

  @Test
  public void anyChangeOfAnyFileIsNoticed() throws Exception {
    Random random = new Random(0);
    for (String name : TestBundle.FILES.subList(1, 4)) {
      TestBundle copy = new TestBundle(temporary);
      byte[] content = copy.read(name);
      for (int turn = 0; turn < 20; turn++) {
        byte[] flipped = content.clone();
        flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
        copy.write(name, flipped);
        copy.refused(name + " does not have the sha256 of the manifest");
        copy.write(name, Arrays.copyOf(content, random.nextInt(content.length)));
        copy.refused("bytes, the manifest says " + content.length);
      }
      copy.write(name, Arrays.copyOf(content, content.length + 1));
      copy.refused("copy the bundle again");
      assertTrue(new File(copy.folder, name).delete());
      copy.refused(name + " is missing");
    }
  }

  @Test
  public void aDamagedManifestIsNoManifest() throws Exception {
    Random random = new Random(1);
    TestBundle copy = new TestBundle(temporary);
    byte[] content = copy.read(Manifest.FILE);
    for (int turn = 0; turn < 100; turn++) {
      copy.write(Manifest.FILE, Arrays.copyOf(content, random.nextInt(content.length - 1)));
      copy.refused(Manifest.FILE);
    }
    copy.write(Manifest.FILE, new byte[] {(byte) 0xff, (byte) 0xfe});
    copy.refused("is not UTF-8");
    copy.write(Manifest.FILE, "[1, 2]".getBytes(StandardCharsets.UTF_8));
    copy.refused("must be an object");
    copy.write(Manifest.FILE, repeated('[', 200_000));
    copy.refused("is not JSON");
    copy.write(Manifest.FILE, repeated(' ', (4 << 20) + 1));
    copy.refused("more than");
    assertTrue(new File(copy.folder, Manifest.FILE).delete());
    copy.refused("has no manifest.json");
  }

  private static byte[] repeated(char character, int count) {
    byte[] content = new byte[count];
    Arrays.fill(content, (byte) character);
    return content;
  }

  @Test
  public void aFlippedByteOfTheManifestNeverBreaksTheReader() throws Exception {
    Random random = new Random(2);
    TestBundle copy = new TestBundle(temporary);
    byte[] content = copy.read(Manifest.FILE);
    int taken = 0;
    for (int turn = 0; turn < 500; turn++) {
      byte[] flipped = content.clone();
      flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
      copy.write(Manifest.FILE, flipped);
      try {
        // Some changes are harmless, such as another letter in the bundle's name.
        Bundle.load(copy.folder);
        taken++;
      } catch (BundleException expected) {
        assertTrue(expected.getMessage(), expected.getMessage().indexOf('\n') < 0);
      }
    }
    assertTrue("most changes are noticed, " + taken + " were not", taken < 250);
  }

  @Test
  public void foldersAndLinksAreToldApart() throws Exception {
    TestBundle copy = new TestBundle(temporary);
    File file = new File(copy.folder, "full.tflite");
    assertTrue(file.delete());
    assertTrue(file.mkdir());
    copy.refused("is not a regular file");
    TestBundle other = new TestBundle(temporary);
    File link = new File(other.folder, "full.tflite");
    assertTrue(link.renameTo(new File(temporary.getRoot(), "elsewhere")));
    Files.createSymbolicLink(
        link.toPath(), new File(temporary.getRoot(), "elsewhere").toPath());
    other.refused("is a link");
  }

  @Test
  public void whatIsNoBundleIsNamed() throws Exception {
    refused(new File(temporary.getRoot(), "none"), "does not exist: expected a bundle");
    refused(temporary.newFile("a"), "is not a folder");
    refused(temporary.newFolder("b"), "has no manifest.json");
  }

  private static void refused(File folder, String part) {
    try {
      Bundle.load(folder);
      fail("no bundle was taken: " + folder);
    } catch (BundleException error) {
      assertTrue(error.getMessage(), error.getMessage().contains(part));
    }
  }
}
