"""Names the asset type of devices whose model contains one of the words in the settings."""

from componentize_py_types import Err
from wit_world.imports import log, settings
from wit_world.imports.types import Description, Setting, TypeAnswer, Value_Text, Value_Texts


class WitWorld:
    def describe(self):
        return Description(
            summary="The type of devices whose model contains a word",
            properties=["model"],
            settings=[
                Setting("type", "the asset type", True),
                Setting("words", "words in the model", True),
            ],
        )

    # A value is Value_Text("…") and so on; nothing is None. `raise Err("…")` holds the device.
    def asset_type(self, device):
        model = device.get("model")
        if model is None:
            return TypeAnswer(None, None)
        asset_type = settings.get("type")
        words = settings.get("words")
        if not isinstance(asset_type, Value_Text):
            raise Err("the setting `type` must be a text")
        if not isinstance(words, Value_Texts):
            raise Err("the setting `words` must be a list of texts")
        for word in words.value:
            if word.lower() in model.value.lower():
                log.write(log.Level.DEBUG, f"{model.value} is a {asset_type.value}")
                return TypeAnswer(asset_type.value, f"the model names {word}")
        return TypeAnswer(None, None)
