from __future__ import annotations

import msgspec

from edge_dnq.bundle import Bundle
from edge_dnq.manifest import ActionSpec
from edge_dnq.report.colors import action_styles


def test_every_action_has_a_colour_and_a_height_of_its_own(bundle: Bundle) -> None:
    styles = action_styles(bundle.manifest)
    assert list(styles) == [action.name for action in bundle.manifest.actions]
    programs = [styles[program.name] for program in bundle.manifest.programs]
    assert len({style.color for style in programs}) == len(programs)
    assert len({style.color for style in styles.values()}) == len(styles)
    # Taller means more precise, so that nothing hangs on colour alone.
    assert [style.height for style in programs] == sorted(
        (style.height for style in programs), reverse=True
    )
    assert len({style.mark for style in programs} | {styles["skip"].mark}) == len(programs) + 1


def test_float_programs_have_a_style(bundle: Bundle) -> None:
    manifest = bundle.manifest
    first, *others = manifest.programs
    full = msgspec.structs.replace(first, weight_bits=32, activation_bits=32)
    styles = action_styles(msgspec.structs.replace(manifest, programs=(full, *others)))
    assert len({style.color for style in styles.values()}) == len(styles)
    assert styles[full.name].height > max(styles[program.name].height for program in others)


def test_a_second_program_of_one_width_takes_a_spare_colour(bundle: Bundle) -> None:
    manifest = bundle.manifest
    twin = msgspec.structs.replace(manifest.programs[0], name="w8a8r80")
    manifest = msgspec.structs.replace(
        manifest,
        programs=(*manifest.programs, twin),
        actions=(*manifest.actions, ActionSpec(name="w8a8r80", program="w8a8r80")),
    )
    styles = action_styles(manifest)
    programs = [styles[program.name].color for program in manifest.programs]
    assert len(set(programs)) == len(programs)
    assert styles["w8a8"].rgb == (0x00, 0x72, 0xB2)
