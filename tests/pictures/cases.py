# SPDX-License-Identifier: Apache-2.0
"""Each scene of scenes/: which frames a job renders of it, and the answer that Kiln owes: the pictures of Blender by hand
(`equal`), a failure before the first frame, or a warning (each by its kind). tests/pictures/report makes docs/pictures.md
of what a run has seen."""
import dataclasses

EQUAL = "equal"


@dataclasses.dataclass(frozen=True)
class Case:
    place: str  # FILE.FUNCTION of scenes/
    answer: str = EQUAL  # or "failure KIND", or "warning KIND" (then the pictures are equal all the same, unless differs)
    frames: str = ""  # frames of the job; default: those of the file; None: the job says none
    fields: dict = dataclasses.field(default_factory=dict)  # further fields of the job
    by_hand: str = ""  # Python that makes the same change by hand
    hand_range: tuple = ()  # -s, -e and -j by hand, where they are not those of `frames`
    since: tuple = (2, 83)
    until: tuple = (99, 0)
    stops: bool = False  # is also tried over a pause, a crash, a cancel and a restart
    optional: bool = False  # not each build can make it
    crashes: tuple = ()  # versions that crash as they make it
    differs: str = ""  # why the pictures may be others than by hand: the warning says so
    name: str = ""
    outputs: dict = dataclasses.field(default_factory=dict)  # NODE--SLOT → how its files by hand begin, from the scene's folder

    first_view: str = ""  # the suffix of its files, where each view has a file
    in_strips: bool = False  # `outputs` are of the scenes of strips, and their numbers are frames of those scenes

    @property
    def further(self):
        """The further files of a frame."""
        return (*self.outputs, *(["Render--view"] if self.first_view else []))

    def is_of(self, version):
        return self.since <= version <= self.until and version not in self.crashes

    @property
    def scene(self):
        return self.place.partition(".")[2]

    @property
    def runs_scripts(self):
        return self.fields.get("autorun", False)

    @property
    def id(self):
        return self.name or self.scene


CASES = [
    # looks
    Case("looks.moving", stops=True),
    Case("looks.moving", name="moving_without_frames", frames=None),
    Case("looks.remapped"),
    Case("looks.border_and_transparency"),
    Case("looks.many_things"),
    Case("looks.no_composite_node", until=(4, 99)),
    Case("looks.subdivided_and_simplified"),
    Case("looks.high_frame_numbers"),
    # simulations
    Case("simulations.cloth", "warning simulation_not_baked", stops=True),
    Case("simulations.cloth", "warning simulation_prerolled", name="cloth_in_part", frames="6-8", hand_range=(1, 8, 1)),
    Case("simulations.cloth", "warning simulation_prerolled", name="cloth_every_third", frames="1-10x3", hand_range=(1, 10, 1)),
    Case("simulations.cloth_lit", "warning simulation_prerolled", frames="4-8x2", hand_range=(1, 8, 1)),
    Case("simulations.cloth_late", "warning simulation_not_baked"),
    Case("simulations.cloth_saved_elsewhere", "warning simulation_not_baked"),
    Case("simulations.cloth_of_a_late_scene", "warning simulation_not_baked"),
    Case("simulations.zone_saved_elsewhere", "warning simulation_not_baked", since=(4, 0)),
    Case("simulations.rigid_body_saved_elsewhere", "warning simulation_not_baked"),
    Case("simulations.particles_saved_elsewhere", "warning simulation_not_baked"),
    Case("simulations.rigid_body", "warning simulation_not_baked", stops=True),
    Case("simulations.soft_body", "warning simulation_not_baked"),
    Case("simulations.particles", "warning simulation_not_baked", stops=True),
    Case("simulations.simulation_zone", "warning simulation_not_baked", since=(4, 0), stops=True),
    Case("simulations.hair"),
    Case("simulations.dynamic_paint", "warning simulation_not_baked"),
    Case("simulations.disk_cache", "warning simulation_not_baked"),
    Case("simulations.disk_cache_baked"),
    Case("simulations.disk_cache_baked_and_gone", "failure missing_files"),
    Case("simulations.baked_in_memory"),
    Case("simulations.smoke", "warning simulation_not_baked", crashes=((2, 83), (4, 3)), stops=True),
    Case("simulations.smoke_baked", crashes=((2, 83), (4, 3))),
    Case("simulations.dynamic_paint_baked"),
    Case("simulations.itasc", "warning simulation_not_baked"),
    Case("simulations.unreached_simulation"),
    # textures
    Case("textures.texture"),
    Case("textures.texture_gone", "failure missing_files"),
    Case("textures.texture_windows_path"),
    Case("textures.texture_packed"),
    Case("textures.texture_that_is_html", "failure missing_files"),
    Case("textures.texture_cut_off", "failure missing_files"),
    Case("textures.texture_not_utf8", "failure missing_files"),
    Case("textures.texture_of_a_reference", "warning unreached_files"),
    Case("textures.texture_of_a_camera_background", "warning unreached_files"),
    Case("textures.texture_with_a_fake_user", "warning unreached_files"),
    Case("textures.texture_of_an_unused_material", "warning unreached_files"),
    Case("textures.texture_of_an_unlinked_node", "warning unreached_files"),
    Case("textures.texture_sequence"),
    Case("textures.texture_sequence_with_a_gap", "failure missing_files"),
    Case("textures.texture_sequence_with_a_gap", name="texture_sequence_with_a_gap_not_shown", frames="1-2"),
    Case("textures.texture_sequence_with_a_gap_elsewhere"),
    Case("textures.texture_tiles"),
    Case("textures.texture_tiles_gone", "failure missing_files"),
    Case("textures.texture_of_the_world_gone", "failure missing_files"),
    Case("textures.texture_in_a_group_gone", "failure missing_files"),
    Case("textures.texture_of_the_compositor_gone", "failure missing_files"),
    Case("textures.texture_of_the_compositor_that_is_off", "warning unreached_files"),
    # hidden
    Case("hidden.hidden_object", "warning unreached_files"),
    Case("hidden.hidden_object_that_appears", "failure missing_files"),
    Case("hidden.excluded_collection", "warning unreached_files"),
    Case("hidden.excluded_collection_of_an_instance", "failure missing_files"),
    Case("hidden.hidden_collection", "warning unreached_files"),
    Case("hidden.hidden_material_that_others_show", "failure missing_files"),
    Case("hidden.inactive_output", "warning unreached_files"),
    Case("hidden.unlinked_group", "warning unreached_files"),
    Case("hidden.nodes_that_are_off", "warning unreached_files", until=(4, 99)),
    Case("hidden.sequence_with_a_keyed_offset"),
    # files
    Case("files.strip"),
    Case("files.strip_gone", "failure missing_files"),
    Case("files.strip_muted_and_gone", "warning unreached_files"),
    Case("files.strip_of_many"),
    Case("files.strip_of_many_with_a_gap", "failure missing_files"),
    Case("files.strip_of_many_with_a_gap", name="strip_of_many_with_a_gap_not_shown", frames="1-2"),
    Case("files.strip_outside_of_the_frames", "warning unreached_files"),
    Case("files.mesh_cache"),
    Case("files.mesh_cache_gone", "failure missing_files"),
    Case("files.mesh_cache_off_and_gone", "warning unreached_files"),
    Case("files.ies"),
    Case("files.ies_gone", "failure missing_files"),
    Case("files.font_gone", "failure missing_files"),
    Case("files.alembic_gone", "failure missing_files", optional=True),
    Case("files.volume_gone", "failure missing_files", since=(2, 90)),
    Case("files.library"),
    Case("files.library_gone", "failure missing_files"),
    Case("files.sound_gone", "warning unreached_files"),
    # several scenes
    Case("several_scenes.two_in_the_compositor"),
    Case("several_scenes.compositor_scene_without_camera", "failure no_camera"),
    Case("several_scenes.strip_of_a_scene"),
    Case("several_scenes.strip_of_a_scene_without_camera", "failure no_camera"),
    Case("several_scenes.background_set"),
    Case("several_scenes.denoised_scene_in_the_compositor", "failure denoiser_unavailable or equal", since=(2, 90)),
    Case("several_scenes.engine_of_an_addon", "failure engine_unavailable"),
    Case("several_scenes.engine_of_an_addon", name="engine_of_an_addon_replaced", fields={"engine": "CYCLES"},
         by_hand="bpy.context.scene.render.engine = 'CYCLES'"),
    Case("several_scenes.strip_of_a_scene_with_the_engine_of_an_addon", "failure engine_unavailable"),
    Case("several_scenes.nodes_of_an_addon", "warning unknown_nodes"),
    # sequencer
    Case("sequencer.muted_meta", "warning unreached_files", since=(3, 1)),
    Case("sequencer.muted_meta_without_camera", "failure no_camera", since=(3, 1)),
    Case("sequencer.meta_with_a_gap", "failure missing_files", since=(3, 1)),
    Case("sequencer.muted_input"),
    Case("sequencer.muted_input_gone", "failure missing_files"),
    Case("sequencer.late_scene_with_a_sequence"),
    Case("sequencer.late_scene_with_a_gap", "failure missing_files"),
    Case("sequencer.nested_scenes", "failure missing_files"),
    Case("sequencer.output_of_a_late_scene", outputs={"File-Output--beauty": "passes/beauty_"}, in_strips=True, stops=True),
    Case("sequencer.output_of_itself"),
    # settings
    Case("settings.seed_driven", "warning animation_replaced", fields={"seed": 5},
         by_hand="bpy.context.scene.driver_remove('cycles.seed'); bpy.context.scene.cycles.seed = 5"),
    Case("settings.samples_keyed", "warning animation_replaced", fields={"samples": 3},
         by_hand="bpy.context.scene.animation_data_clear(); bpy.context.scene.cycles.samples = 3"),
    Case("settings.seed_driven", name="seed_driven_by_the_file"),
    Case("settings.seed_keyed_and_used"),
    Case("settings.camera_markers"),
    Case("settings.driven_by_the_range"),
    Case("settings.driven_by_the_range", name="driven_by_the_range_in_part", frames="2-4"),
    Case("settings.stamped_range", stops=True),
    Case("settings.step_of_the_file", frames="1-6"),
    Case("settings.step_of_the_file", "failure invalid_setting", name="step_of_the_file_without_frames", frames=None),
    Case("settings.python_driver", "warning autorun_refused"),
    Case("settings.python_driver", name="python_driver_that_runs", fields={"autorun": True}, stops=True),
    Case("settings.registered_text", "warning autorun_refused"),
    Case("settings.registered_text", name="registered_text_that_runs", fields={"autorun": True}),
    Case("settings.registered_handler", "warning scripts_at_frames", fields={"autorun": True}),
    Case("settings.registered_module", "warning scripts_at_frames", fields={"autorun": True}),
    Case("settings.layers_off", "warning nothing_rendered"),
    # outputs
    Case("outputs.file_output", outputs={"File-Output--beauty": "passes/beauty_"}),
    Case("outputs.file_output_muted"),
    Case("outputs.file_output_exr_layers", outputs={"Layers--layers": "layers/all_"}),
    Case("outputs.file_output_many", outputs={
        "a-b--x-x": "deep/er/x x_", "a-b--x-x-2": "deep/er/x.x_", "a-b--slot": "deep/er/\u00e4", "a-b--x-x-3": "other/x-x",
        "In-a-group--Image": "inner/Image"}),
    Case("outputs.file_output_eyes", outputs={"File-Output--beauty": "passes/beauty_", "Layers--layers": "layers/all_"}),
    Case("outputs.file_output_of_a_simulation", "warning simulation_not_baked", stops=True,
         outputs={"File-Output--beauty": "passes/beauty_"}),
    Case("outputs.file_output_of_a_strip", outputs={"File-Output--beauty": "passes/beauty_"}, in_strips=True),
    Case("outputs.file_output_targa", "warning extra_outputs", outputs={"File-Output--beauty": "passes/beauty_"}),
    Case("outputs.stereo_eyes", first_view="_L", stops=True),
    Case("outputs.stereo_eyes", first_view="_L", name="stereo_eyes_exr", fields={"format": "OPEN_EXR"},
         by_hand="bpy.context.scene.render.image_settings.file_format = 'OPEN_EXR'"),
    Case("outputs.views_of_three", first_view="_L"),
    Case("outputs.views_of_a_simulation", "warning simulation_not_baked", first_view="_L", stops=True,
         outputs={"File-Output--beauty": "passes/beauty_"}),
    Case("outputs.views_without_suffix", "failure invalid_setting"),
    Case("outputs.stereo_side_by_side"),
    Case("outputs.webp_too_large", "failure invalid_setting", since=(3, 2)),
    Case("outputs.jpeg_too_large", "failure invalid_setting"),
    Case("outputs.exr_htj2k", "failure invalid_setting", since=(5, 0)),
    Case("outputs.grey"),
    Case("outputs.deep_png"),
    Case("outputs.wide_png", until=(3, 4)),
    Case("outputs.wide_png", "failure invalid_setting", name="wide_png_too_large", since=(4, 3), until=(4, 3)),
    Case("outputs.wide_png", name="wide_png_of_a_newer_blender", since=(5, 0)),
    Case("outputs.tiff_packbits"),
    Case("outputs.exr_dwab", since=(3, 4)),  # 2.83 has DWAA alone
    Case("outputs.webp", since=(3, 2)),
    Case("outputs.movie", "failure movie_output"),
]
