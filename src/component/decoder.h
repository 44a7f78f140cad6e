// Internals of the component decoder: pieces that its files share. Not for users of decode.h.
#ifndef SEDGE_COMPONENT_DECODER_H_
#define SEDGE_COMPONENT_DECODER_H_

#include <string_view>

#include "base/reader.h"
#include "component/ast.h"

namespace sedge::component::decode_detail {

/// "invalid leading byte (0x2) for core instance"
std::unexpected<Error> bad_byte(uint8_t byte, std::string_view what, Location at);
Result<bool> read_bool(Reader& reader);
Result<std::optional<ValType>> read_optional_val_type(Reader& reader);
Result<ValType> read_val_type(Reader& reader);
Result<Sort> read_sort(Reader& reader);
Result<Sort> read_core_sort(Reader& reader, std::string_view what);
Result<Sort> core_sort(uint8_t code, std::string_view what, Location at);
Result<ExternName> read_extern_name(Reader& reader);
Result<ExternType> read_extern_type(Reader& reader);

// decode_types.cc; `depth` counts components and types around.
Result<CoreType> read_core_type(Reader& reader);
Result<Type> read_type(Reader& reader, uint32_t depth);
Result<std::optional<ValType>> read_result_list(Reader& reader);

// decode_defs.cc
Result<CoreInstance> read_core_instance(Reader& reader);
Result<Instance> read_instance(Reader& reader);
Result<Alias> read_alias(Reader& reader);
Result<Canon> read_canon(Reader& reader);
Result<Start> read_start(Reader& reader);
Result<Import> read_import(Reader& reader);
Result<Export> read_export(Reader& reader);
Result<Export> read_export_declarator(Reader& reader);
Result<Value> read_value(Reader& reader);
/// Content of a component-name section; nothing changes if it is malformed.
void read_names(Component& component, Bytes content);

inline constexpr std::string_view kNameSection = "component-name";

}  // namespace sedge::component::decode_detail

#endif  // SEDGE_COMPONENT_DECODER_H_
