/**
 * @file budget.hpp
 * How many authentication requests a minute the machines of one instance allow themselves together.
 */
#ifndef PLEXTRAC_BUDGET_HPP
#define PLEXTRAC_BUDGET_HPP

#include <plextrac/call.hpp>

#include <cstdint>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** For all machines of one instance, whatever their account or event loop. Locked inside. */
class budget {
public:
    /** Errors: status::invalid_argument if it is not 2 to 60. */
    [[nodiscard]] static result<budget> create(std::uint32_t per_minute)
    {
        return detail::made<budget, ::plextrac_budget>([per_minute](::plextrac_budget **out, ::plextrac_error **err) {
            return ::plextrac_budget_new(per_minute, out, err);
        });
    }

    /** Takes over a handle that a C function made. */
    explicit budget(::plextrac_budget *handle) noexcept : handle_(handle) {}

    ::plextrac_budget *c_handle() const noexcept { return handle_.get(); }

private:
    detail::owned<::plextrac_budget, ::plextrac_budget_free> handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_BUDGET_HPP */
